/**
 * A recorder that costs as little as it can: SIP over TCP, takes every recording session, counts dialogs, and counts
 * RTP packets and gaps on one UDP port. Its process answers each message of its parent with its {@link SrsCounts}.
 */
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';

export interface SrsCounts {
  readonly port: number;
  readonly established: number;
  readonly ended: number;
  readonly packets: number;
  readonly missing: number;
}

const HOST = '127.77.0.30';
const MAX_BUFFER = 1 << 20;
const MAX_SOURCES = 10_000;

let established = 0;
let ended = 0;
let packets = 0;
let missing = 0;
let tag = 0;
const lastSequences = new Map<number, number>();

const media = createSocket('udp4');
media.on('message', packet => {
  if (packet.length < 12 || ((packet[1] ?? 0) >= 192 && (packet[1] ?? 0) <= 223)) {
    return;
  }
  const ssrc = packet.readUInt32BE(8);
  const sequence = packet.readUInt16BE(2);
  const last = lastSequences.get(ssrc);
  packets += 1;
  if (last !== undefined) {
    const step = (sequence - last) & 0xffff;
    missing += step > 1 && step < 0x8000 ? step - 1 : 0;
  } else if (lastSequences.size >= MAX_SOURCES) {
    lastSequences.clear();
  }
  lastSequences.set(ssrc, sequence);
});

const server = createServer(socket => {
  let buffer = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  // Latin-1 keeps one character per byte, as Content-Length counts.
  socket.on('data', chunk => {
    buffer += chunk.toString('latin1');
    for (;;) {
      const headEnd = buffer.indexOf('\r\n\r\n');
      if (headEnd < 0) {
        break;
      }
      const head = buffer.slice(0, headEnd);
      const length = Number(/^(?:content-length|l)\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (buffer.length < end) {
        break;
      }
      answer(socket, head, buffer.slice(headEnd + 4, end));
      buffer = buffer.slice(end);
    }
    if (buffer.length > MAX_BUFFER) {
      socket.destroy();
    }
  });
});

function answer(socket: Socket, head: string, body: string): void {
  const method = /^[A-Z]+/.exec(head)?.[0];
  if (method === undefined || method === 'ACK' || head.startsWith('SIP/')) {
    return;
  }
  const copied = head
    .split('\r\n')
    .filter(line => /^(via|from|call-id|cseq|record-route)\s*:/i.test(line));
  const to = /^to\s*:.*$/im.exec(head)?.[0].trim() ?? '';
  const isInitial = !/;\s*tag=/i.test(to);
  if (method === 'INVITE' && isInitial) {
    established += 1;
  } else if (method === 'BYE') {
    ended += 1;
  }
  const hasAnswer = /^m=audio/m.test(body);
  const sdp = hasAnswer ? answerSdp(body) : '';
  const lines = [
    'SIP/2.0 200 OK',
    ...copied,
    isInitial ? `${to};tag=srs${tag++}` : to,
    `Contact: <sip:srs@${HOST}:${port()};transport=tcp>;+sip.srs`,
    ...(hasAnswer ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${sdp.length}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${sdp}`, 'latin1');
}

/** Takes every stream of the offer on the one port. */
function answerSdp(body: string): string {
  const streams = body.split(/^(?=m=)/m).slice(1);
  return [
    'v=0',
    `o=srs 1 1 IN IP4 ${HOST}`,
    's=-',
    `c=IN IP4 ${HOST}`,
    't=0 0',
    ...streams.flatMap(stream => {
      const formats = /^m=audio \d+ (\S+) ([\d ]+)/.exec(stream);
      const label = /^a=label:(\S+)/m.exec(stream)?.[1];
      const isActive = !/^a=inactive/m.test(stream);
      return [
        `m=audio ${media.address().port} ${formats?.[1] ?? 'RTP/AVP'} ${formats?.[2]?.trim() ?? '0'}`,
        ...(label === undefined ? [] : [`a=label:${label}`]),
        isActive ? 'a=recvonly' : 'a=inactive',
      ];
    }),
    '',
  ].join('\r\n');
}

function port(): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

function tell(): void {
  process.send?.({ port: port(), established, ended, packets, missing } satisfies SrsCounts);
}

process.on('message', tell);
process.once('disconnect', () => process.exit(0));
media.bind(0, HOST, () => server.listen(0, HOST, tell));
