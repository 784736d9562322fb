import { HeaderList } from '#sip/engine';
import {
  outgoingHeaders,
  ownContact,
  type OwnAddress,
  replaceLocalhost,
} from '../../../../../sip/engine/agent/app-headers';

const UDP: OwnAddress = { host: '192.0.2.1', port: 5060, transport: 'udp' };
const TCP6: OwnAddress = { host: '2001:db8::1', port: 5070, transport: 'tcp' };

describe("the application's headers", () => {
  test.each([
    ['"A" <sip:alice@localhost>;tag=1', '"A" <sip:alice@192.0.2.1:5060>;tag=1'],
    ['<sip:localhost:5099;transport=udp>', '<sip:192.0.2.1:5060;transport=udp>'],
    ['sip:localhost', 'sip:192.0.2.1:5060'],
    ['<sip:a@localhost.example>', '<sip:a@localhost.example>'],
    ['<sip:localhost@example.com>', '<sip:localhost@example.com>'],
  ])('localhost means us where a URI has its host: %s', (value, expected) => {
    expect(replaceLocalhost(value, UDP)).toBe(expected);
  });

  test('lose what the engine makes itself, and gain a Content-Type for SDP', () => {
    const given = HeaderList.of(
      ['Via', 'x'],
      ['Route', '<sip:evil;lr>'],
      ['Record-Route', '<sip:evil;lr>'],
      ['CSeq', '9 INVITE'],
      ['Content-Length', '1'],
      ['X-Mine', 'localhost'],
      ['Contact', '<sip:a@localhost>;+sip.src'],
      ['P-Asserted-Identity', '<sip:a@localhost>'],
    );
    expect(outgoingHeaders(given, Buffer.from('v=0\r\n'), UDP).toString()).toBe(
      'X-Mine: localhost\r\nContact: <sip:a@192.0.2.1:5060>;+sip.src\r\n' +
        'P-Asserted-Identity: <sip:a@192.0.2.1:5060>\r\nContent-Type: application/sdp\r\n',
    );
  });

  test('a Contact that means us names TCP, also with IPv6', () => {
    const given = HeaderList.of(['Contact', '<sip:a@localhost>;+sip.src']);
    expect(outgoingHeaders(given, Buffer.alloc(0), TCP6).get('contact')).toBe(
      '<sip:a@[2001:db8::1]:5070;transport=tcp>;+sip.src',
    );
    expect(ownContact(TCP6)).toBe('<sip:[2001:db8::1]:5070;transport=tcp>');
    expect(ownContact(UDP)).toBe('<sip:192.0.2.1:5060>');
  });
});
