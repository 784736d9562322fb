import { PeerAddress, SOCKADDR_BYTES } from '../../../../media/io/peer-address';
import { type LatchVerdict } from '../../../../media/worker/latch';
import { SourceLatch } from '../../../../media/worker/source-latch';
import { ScriptedPacketIo } from '../../../support/scripted-packet-io';

const HOST = '192.0.2.1';
const OLD_PORT = 4000;
const NEW_PORT = 5000;

/** A latch that is locked to a peer at OLD_PORT. */
function lockedLatch(): { latch: SourceLatch; judge: (port: number) => LatchVerdict } {
  const latch = new SourceLatch(new ScriptedPacketIo(false), true);
  const judge = (port: number): LatchVerdict => {
    const words = new Int32Array(SOCKADDR_BYTES / 4);
    new PeerAddress({ words, pointer: 0 }).set(HOST, port);
    return latch.isLockedSource(words, 0) ? 'accept' : latch.judge(words, 0);
  };
  latch.signal(HOST, OLD_PORT);
  expect(judge(OLD_PORT)).toBe('lock');
  return { latch, judge };
}

test('a peer that moves is heard from where it was until it is heard from where it is', () => {
  const { latch, judge } = lockedLatch();
  expect(latch.signal(HOST, NEW_PORT)).toBe(true);
  expect(judge(OLD_PORT)).toBe('accept');
  expect(judge(NEW_PORT)).toBe('lock');
  expect(judge(OLD_PORT)).toBe('reject');
});

test('of a peer who was replaced nothing is heard any more', () => {
  const { latch, judge } = lockedLatch();
  latch.signal(HOST, NEW_PORT, true);
  for (let i = 0; i < 100; i++) {
    expect(judge(OLD_PORT)).toBe('reject');
  }
  expect(judge(NEW_PORT)).toBe('lock');
  expect(latch.destination.port).toBe(NEW_PORT);
});

test('who has come instead may move like any other', () => {
  const { latch, judge } = lockedLatch();
  latch.signal(HOST, NEW_PORT, true);
  judge(NEW_PORT);
  latch.signal(HOST, 6000);
  expect(judge(NEW_PORT)).toBe('accept');
});

test('a replaced peer stays silent when the one who came is signalled elsewhere before it sends', () => {
  const { latch, judge } = lockedLatch();
  latch.signal(HOST, NEW_PORT, true);
  latch.signal(HOST, 6000);
  expect(judge(OLD_PORT)).toBe('reject');
  expect(judge(6000)).toBe('lock');
});

test('addresses that a latch has no use for any more are given back, and all of them with it', () => {
  const io = new ScriptedPacketIo(false);
  let lent = 0;
  jest.spyOn(io, 'createAddress').mockImplementation(() => {
    lent++;
    return new PeerAddress();
  });
  jest.spyOn(io, 'releaseAddress').mockImplementation(() => {
    lent--;
  });
  const latch = new SourceLatch(io, true);
  const judge = (host: string): LatchVerdict => {
    const words = new Int32Array(SOCKADDR_BYTES / 4);
    new PeerAddress({ words, pointer: 0 }).set(host, OLD_PORT);
    return latch.judge(words, 0);
  };
  latch.signal(HOST, OLD_PORT);
  expect(lent).toBe(2);
  expect([judge('192.0.2.2'), judge(HOST)]).toEqual(['wait', 'lock']);
  expect(lent).toBe(2);
  latch.signal(HOST, NEW_PORT);
  judge('192.0.2.2');
  latch.release();
  expect(lent).toBe(0);
});

test('an address that is the caller’s is not given back', () => {
  const io = new ScriptedPacketIo(false);
  const own = new PeerAddress();
  const given: PeerAddress[] = [];
  jest.spyOn(io, 'releaseAddress').mockImplementation((...args: unknown[]) => {
    given.push(args[0] as PeerAddress);
  });
  new SourceLatch(io, true, own).release();
  expect(given).toHaveLength(1);
  expect(given).not.toContain(own);
});
