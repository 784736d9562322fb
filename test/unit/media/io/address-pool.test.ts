import { AddressPool } from '../../../../media/io/address-pool';
import { type IoMemory, memoryOf } from '../../../../media/io/packet-io';

function bench(): { pool: AddressPool; slabs: IoMemory[] } {
  const slabs: IoMemory[] = [];
  const pool = new AddressPool(bytes => {
    const slab = memoryOf(new ArrayBuffer(bytes), 0, bytes, (slabs.length + 1) * 2 ** 20);
    slabs.push(slab);
    return slab;
  });
  return { pool, slabs };
}

test('addresses share slabs, and none shares its bytes', () => {
  const { pool, slabs } = bench();
  const addresses = Array.from({ length: 1025 }, (_, i) => {
    const address = pool.take();
    address.set('192.0.2.1', i + 1);
    return address;
  });
  expect(addresses.map(({ port }) => port)).toEqual(addresses.map((_, i) => i + 1));
  expect(slabs).toHaveLength(2);
  expect(addresses[1]?.pointer).toBe(2 ** 20 + 32);
  expect(addresses[1024]?.pointer).toBe(2 ** 21);
});

test('an address that was given back is used again, and says nothing of its past', () => {
  const { pool, slabs } = bench();
  const address = pool.take();
  address.set('2001:db8::1', 4000);
  expect(address.host).toBe('2001:db8::1');
  pool.giveBack(address);
  const again = pool.take();
  expect([again.isSet, again.host, again.port, again.length]).toEqual([false, '', 0, 0]);
  expect(again).toBe(address);
  expect(pool.take()).not.toBe(address);
  expect(slabs).toHaveLength(1);
});
