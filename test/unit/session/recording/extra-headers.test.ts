import { filledHeaders } from '../../../../src/session/recording/extra-headers';

const FACTS = {
  callId: 'call-1',
  recordingId: 'recording-1',
  userId: 'alice',
  organisationId: 'acme',
  serviceProvider: 'sp',
  externalGroup: 'group',
  externalIdentifier: '+15550100',
};

test('each placeholder is filled in, as often as it stands there', () => {
  const names = Object.keys(FACTS);
  expect(
    filledHeaders(
      { 'X-All': names.map(name => `{${name}}`).join('|'), 'X-Two': '{userId}{userId}' },
      FACTS,
    ),
  ).toEqual({ 'X-All': Object.values(FACTS).join('|'), 'X-Two': 'alicealice' });
});

test('a value can neither add a header nor bring a placeholder', () => {
  const evil = { ...FACTS, userId: 'a\r\nX-Evil: 1\u2028\u0000{callId}' };
  expect(filledHeaders({ 'X-User': '<{userId}>' }, evil)).toEqual({
    'X-User': '<aX-Evil: 1{callId}>',
  });
});

test('a value is bounded, and text in braces that is no placeholder stays', () => {
  const long = { ...FACTS, userId: 'x'.repeat(10_000) };
  const headers = filledHeaders({ 'X-Long': '{userId}', 'X-Json': '{"a":1}' }, long);
  expect(headers['X-Long']).toHaveLength(512);
  expect(headers['X-Json']).toBe('{"a":1}');
});
