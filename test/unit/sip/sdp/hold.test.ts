import { withoutHold } from '../../../../sip/sdp/hold';
import { formatSdp, parseSdp } from '../../../../sip/sdp/session-description';

const LOCAL = {
  rtp: { host: '192.0.2.1', port: 4000 },
  rtcp: { host: '192.0.2.1', port: 4001 },
};

test('a description without its hold states no direction, and an address that can be sent to', () => {
  const held = [
    'v=0',
    'o=a 1 1 IN IP4 192.0.2.9',
    's=-',
    'c=IN IP4 0.0.0.0',
    'a=inactive',
    't=0 0',
    'm=audio 5000 RTP/AVP 0',
    'c=IN IP4 0.0.0.0',
    'a=sendonly',
    'a=label:1',
    '',
  ].join('\r\n');
  const text = formatSdp(withoutHold(parseSdp(held), LOCAL));
  expect(text).not.toMatch(/a=(inactive|sendonly)|0\.0\.0\.0/);
  expect(text.match(/c=IN IP4 192\.0\.2\.1/g)).toHaveLength(2);
  expect(text).toContain('a=label:1');
});
