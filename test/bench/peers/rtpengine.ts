import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { processRssKiB } from '../kernel';
import { type Address, phoneAddress, recorderAddress } from '../traffic/plan';
import { bdecode, bencode, type Bencoded } from './bencode';
import { type Peer } from './peer';
import { end } from './start-peer';

const HOST = '127.77.0.6';
const NG_PORT = 22_222;
const PORT_MIN = 10_000;
const PORTS_PER_CALL = 12;
const ANSWER_MS = 500;
const ATTEMPTS = 20;

/** The version of an installed rtpengine-daemon; null: there is none. */
export function rtpengineVersion(): string | null {
  const { stdout, stderr, error } = spawnSync('rtpengine', ['--version'], { encoding: 'utf8' });
  return error === undefined ? (/Version: (\S+)/.exec(stdout + stderr)?.[1] ?? 'unknown') : null;
}

/**
 * Starts rtpengine in userspace with one packet thread, as our plane has one worker, and opens calls as a SIPREC client
 * does with it: offer, answer, `subscribe request` for both parties, `subscribe answer`.
 */
export async function startRtpengine(calls: number): Promise<Peer> {
  const child = spawn(
    'rtpengine',
    [
      '--foreground',
      '--table=-1',
      '--num-threads=1',
      '--timeout=3600',
      '--silent-timeout=3600',
      '--log-level=2',
      '--log-stderr',
      `--interface=${HOST}`,
      `--listen-ng=${HOST}:${NG_PORT}`,
      `--port-min=${PORT_MIN}`,
      `--port-max=${Math.min(65_000, PORT_MIN + PORTS_PER_CALL * calls + 255)}`,
    ],
    { stdio: 'ignore' },
  );
  const control = new NgClient();
  try {
    await control.request({ command: 'ping' });
    const pid = child.pid ?? 0;
    const emptyRssKiB = processRssKiB(pid);
    const legs: Address[] = [];
    for (let call = 0; call < calls; call++) {
      legs.push(...(await openCall(control, call, calls)));
    }
    return {
      pid,
      legs,
      emptyRssKiB,
      ringKiBPerCall: 0,
      close: async () => {
        control.close();
        await end(child);
      },
    };
  } catch (error) {
    control.close();
    await end(child);
    throw error;
  }
}

async function openCall(
  control: NgClient,
  call: number,
  calls: number,
): Promise<[Address, Address]> {
  const common = { 'call-id': `bench-${call}`, 'from-tag': 'caller' };
  const flags = {
    ICE: 'remove',
    flags: ['trust-address'],
    replace: ['origin'],
    'rtcp-mux': ['demux'],
  };
  const offered = await control.request({
    command: 'offer',
    ...common,
    ...flags,
    sdp: sdp('sendrecv', phoneAddress(2 * call, calls)),
  });
  const answered = await control.request({
    command: 'answer',
    ...common,
    'to-tag': 'callee',
    ...flags,
    sdp: sdp('sendrecv', phoneAddress(2 * call + 1, calls)),
  });
  const subscribed = await control.request({
    command: 'subscribe request',
    'call-id': common['call-id'],
    flags: ['all'],
  });
  await control.request({
    command: 'subscribe answer',
    'call-id': common['call-id'],
    'to-tag': text(subscribed, 'to-tag'),
    flags: ['trust-address'],
    sdp: sdp('recvonly', ...[2 * call, 2 * call + 1].map(leg => recorderAddress(leg, calls))),
  });
  // What the callee is offered is where it sends to; so is what the caller is answered.
  return [mediaAddress(text(answered, 'sdp')), mediaAddress(text(offered, 'sdp'))];
}

function sdp(direction: string, ...streams: readonly Address[]): string {
  const [first] = streams;
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${first?.host ?? HOST}`,
    's=-',
    `c=IN IP4 ${first?.host ?? HOST}`,
    't=0 0',
    ...streams.flatMap(({ port }) => [
      `m=audio ${port} RTP/AVP 0`,
      'a=rtpmap:0 PCMU/8000',
      'a=ptime:20',
      `a=${direction}`,
    ]),
    '',
  ].join('\r\n');
}

function mediaAddress(description: string): Address {
  const port = /^m=audio (\d+)/m.exec(description)?.[1];
  const host = /^c=IN IP4 (\S+)/m.exec(description)?.[1];
  if (port === undefined || host === undefined) {
    throw new Error(`no address in the SDP of rtpengine: ${description}`);
  }
  return { host, port: Number(port) };
}

function text(answer: Readonly<Record<string, Bencoded>>, key: string): string {
  const value = answer[key];
  if (typeof value !== 'string') {
    throw new Error(`rtpengine gives no ${key}: ${JSON.stringify(answer)}`);
  }
  return value;
}

type Command = Readonly<Record<string, Bencoded>> & { readonly command: string };

/** The ng protocol over UDP on loopback: a cookie, a space, a bencoded dictionary. */
class NgClient {
  readonly #socket: Socket = createSocket('udp4');
  #cookie = 0;

  constructor() {
    // Until it listens, the kernel says so.
    this.#socket.on('error', () => undefined);
  }

  /** @throws when it does not answer, or not with success. */
  async request(message: Command): Promise<Record<string, Bencoded>> {
    const cookie = `bench${this.#cookie++}`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#socket.send(`${cookie} ${bencode(message)}`, NG_PORT, HOST);
      const answer = await this.#answer(cookie);
      if (answer !== null) {
        if (answer['result'] !== 'ok' && answer['result'] !== 'pong') {
          throw new Error(`rtpengine refuses ${message.command}: ${JSON.stringify(answer)}`);
        }
        return answer;
      }
    }
    throw new Error(`rtpengine does not answer ${message.command}`);
  }

  close(): void {
    this.#socket.close();
  }

  async #answer(cookie: string): Promise<Record<string, Bencoded> | null> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      for (;;) {
        const [datagram] = (await once(this.#socket, 'message', { signal })) as [Buffer];
        if (datagram.toString('latin1', 0, cookie.length + 1) === `${cookie} `) {
          return bdecode(datagram.subarray(cookie.length + 1)) as Record<string, Bencoded>;
        }
      }
    } catch (error) {
      if (signal.aborted) {
        return null;
      }
      throw error;
    }
  }
}
