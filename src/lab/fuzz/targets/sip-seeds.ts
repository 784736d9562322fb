import { words } from '../target';

const SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n';

export const OPTIONS =
  'OPTIONS sip:bob@example.com;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bKa1\r\n' +
  'Max-Forwards: 70\r\nFrom: "Alice" <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>\r\n' +
  'Call-ID: c1@192.0.2.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

export const INVITE =
  'INVITE sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/TCP [2001:db8::1]:5062;branch=z9hG4bKb2, SIP/2.0/UDP 192.0.2.9\r\n' +
  'f: sip:alice@example.com;tag=b2\r\nt: sip:bob@example.com\r\ni: c2\r\nCSeq: 2 INVITE\r\n' +
  'm: <sip:alice@192.0.2.1:5062;transport=tcp>;+sip.src\r\nRecord-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\n' +
  `c: application/sdp\r\nl: ${SDP.length}\r\n\r\n${SDP}`;

export const RESPONSE =
  'SIP/2.0 183 Session Progress\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKc3;received=192.0.2.7;rport=9\r\n' +
  'From: <sip:alice@example.com>;tag=c3\r\nTo: <sip:bob@example.com>;tag=d4\r\nCall-ID: c3\r\nCSeq: 3 INVITE\r\n' +
  'Contact: <sip:bob@192.0.2.2>\r\nContent-Length: 0\r\n\r\n';

/** What means something in the head of a message. */
export const SIP_WORDS = words(
  '\r\n', '\r\n\r\n', '\r\n ', '\r\n\t', '\r', '\n', ' ', ':', ';', ',', '<', '>', '"', '\\"', '@', '[', ']', '?', '=', '/',
  'sip:', 'sips:', 'tel:', 'SIP/2.0', ' SIP/2.0\r\n', 'SIP/2.0 200 OK\r\n', 'INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS',
  '\r\nVia: ', '\r\nv:', 'SIP/2.0/UDP ', ';branch=z9hG4bK', ';branch=', ';rport', ';received=', ';maddr=', ';ttl=',
  '\r\nFrom: ', '\r\nTo: ', '\r\nt:', ';tag=', ';tag', '\r\nCall-ID: ', '\r\ni:', '\r\nCSeq: ', '\r\nMax-Forwards: ',
  '\r\nContact: *', '\r\nContact: ', '\r\nm:', '\r\nRoute: ', '\r\nRecord-Route: ', ';lr', '\r\nRequire: ',
  '\r\nContent-Length: ', '\r\nl:', '\r\nL :\r\n ', '\r\nContent-Type: ', '[2001:db8::1]', '[::ffff:192.0.2.1]', ':5060',
  '%00', '%0d%0a', '\0', '\ufeff', '\u00a0', '\u2028', '\u00fc', '\ud83d\ude00', '*', '__proto__', 'constructor',
); // prettier-ignore
