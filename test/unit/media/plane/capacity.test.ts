import { computeCapacity } from '../../../../media/plane/capacity';

test.each([
  [100, Infinity, { plainCalls: 50, recordedCalls: 25, limitedBy: 'ports' }],
  [100, 256 + 200, { plainCalls: 50, recordedCalls: 25, limitedBy: 'ports' }],
  [5000, 1024, { plainCalls: 192, recordedCalls: 96, limitedBy: 'file-descriptors' }],
  [5000, 100, { plainCalls: 0, recordedCalls: 0, limitedBy: 'file-descriptors' }],
])('%i port pairs and %d descriptors allow %j', (pairs, descriptors, expected) => {
  expect(computeCapacity(pairs, descriptors)).toEqual(expected);
});
