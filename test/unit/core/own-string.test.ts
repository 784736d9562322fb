import { ownString } from '#core';

test('a string of its own says the same, in any script', () => {
  const message = 'Contact: <sip:zoë@192.0.2.1:5060;transport=tcp>\r\nCall-ID: of-some-length';
  expect(ownString(message.slice(9, 47))).toBe('<sip:zoë@192.0.2.1:5060;transport=tcp>');
  expect(ownString('')).toBe('');
});
