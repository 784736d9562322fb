import { createSocket, type Socket } from 'node:dgram';
import { type Bench, startBench, within } from './sip-engine-harness';

let bench: Bench;
let asker: Socket;
let other: Socket;

beforeAll(async () => {
  bench = await startBench();
  [asker, other] = await Promise.all([udpSocket(), udpSocket()]);
});

afterAll(async () => {
  asker.close();
  other.close();
  await bench.close();
});

async function udpSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  return socket;
}

/** The Via of the answer to a request with this sent-by and these parameters. */
async function viaOfAnswer(at: Socket, sentBy: string, parameters: string): Promise<string> {
  const answer = new Promise<string>(resolve => {
    at.once('message', bytes => resolve(/^Via: (.*)\r$/m.exec(bytes.toString())?.[1] ?? ''));
  });
  const id = `${sentBy}${parameters}`.replace(/\W/g, '');
  asker.send(
    `OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP ${sentBy};branch=z9hG4bK${id}${parameters}\r\n` +
      `From: <sip:a@a>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\n` +
      'Content-Length: 0\r\n\r\n',
    bench.udpPort,
    '127.0.0.1',
  );
  return within('answer', answer);
}

test('with rport the answer goes to the source port and tells it (RFC 3581 §4)', async () => {
  const via = await viaOfAnswer(asker, '192.0.2.1:9', ';rport');
  expect(via).toContain(`;rport=${asker.address().port}`);
  expect(via).toContain(';received=127.0.0.1');
});

test('without rport it goes to the source address and the port of sent-by (RFC 3261 §18.2.2)', async () => {
  const via = await viaOfAnswer(other, `name.invalid:${other.address().port}`, '');
  expect(via).toContain(';received=127.0.0.1');
  expect(via).not.toContain('rport');
});
