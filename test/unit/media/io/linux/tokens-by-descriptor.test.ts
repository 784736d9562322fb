import { TokensByDescriptor } from '../../../../../media/io/linux/tokens-by-descriptor';

test('descriptors keep their tokens, token 0 and descriptors beyond the first few hundred included', () => {
  const tokens = new TokensByDescriptor();
  tokens.set(7, 0);
  tokens.set(256, 12);
  tokens.set(5000, 3);
  expect([7, 256, 5000].map(fd => tokens.get(fd))).toEqual([0, 12, 3]);
  expect(tokens.descriptors()).toEqual([7, 256, 5000]);
});

test('a descriptor that was closed, or never open, has none', () => {
  const tokens = new TokensByDescriptor();
  tokens.set(7, 1);
  tokens.delete(7);
  tokens.delete(9000);
  expect([7, 8, 9000, -1].map(fd => tokens.get(fd))).toEqual([null, null, null, null]);
  expect(tokens.descriptors()).toEqual([]);
});
