import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import type Srf from 'drachtio-srf';
import { noopLogger, systemClock, withDeadline } from '#core';
import { type EmbeddedEngine, startEmbeddedEngine } from '#sip/engine';
import { type LiveOutcome, messageOf, TORTURE_CASES } from '../fixtures/torture/cases';
import { connectSrf, openThings, TEST_TIMERS } from './sip-engine-harness';

const DEADLINE_MS = 8000;
/** The application's mark on its answers: the engine's own do not have it. */
const MARK = 'X-Answered-By: application';

const METHODS = ['invite', 'options', 'register', 'message'] as const;
/** What drachtio-srf has for every method; its declarations know some of them only. */
type Routes = Readonly<
  Record<
    (typeof METHODS)[number],
    (handler: (req: Srf.SrfRequest, res: Srf.SrfResponse) => void) => void
  >
>;

let engine: EmbeddedEngine;
let srf: Srf;
let udpPort = 0;
let tcpPort = 0;
/** What the application got, by Call-ID. */
const seen = new Map<
  string,
  { readonly method: string; readonly uri: string; readonly contact: string | undefined }
>();

/**
 * The sockets of all exchanges. They stay open as long as the engine: it repeats its 486 to an INVITE, which nobody
 * acknowledges here, and a later exchange must not get the port that this goes to.
 */
const sockets: Socket[] = [];

async function start(): Promise<void> {
  engine = await startEmbeddedEngine({
    listeners: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    logger: noopLogger,
    timers: TEST_TIMERS,
  });
  udpPort = engine.listeners[0]?.port ?? 0;
  tcpPort = engine.listeners[1]?.port ?? 0;
  srf = await connectSrf(engine);
  seen.clear();
  for (const method of METHODS) {
    (srf as unknown as Routes)[method]((req, res) => {
      const contact = req.has('contact') ? req.get('contact') : undefined;
      seen.set(req.get('call-id'), { method: req.method, uri: req.uri, contact });
      res.send(method === 'invite' ? 486 : 200, { headers: { 'X-Answered-By': 'application' } });
    });
  }
  // Routes travel behind the connection; a ping that the application answers says that they are there.
  while (!(await exchangeUdp(Buffer.alloc(0))).pong.includes(MARK)) {
    await engine.counters();
  }
}

async function stop(): Promise<void> {
  srf.disconnect();
  await engine.close();
  for (const socket of sockets.splice(0)) {
    socket.close();
  }
}

let count = 0;

/** A well-formed OPTIONS of its own transaction, to see what has come before its answer. */
function ping(via: string): { readonly text: string; readonly callId: string } {
  const callId = `ping-${process.pid}-${count++}`;
  return {
    callId,
    text:
      'OPTIONS sip:keeper@127.0.0.1 SIP/2.0\r\n' +
      `Via: SIP/2.0/${via};branch=z9hG4bK${callId};rport\r\nMax-Forwards: 70\r\n` +
      `From: <sip:ping@127.0.0.1>;tag=p\r\nTo: <sip:keeper@127.0.0.1>\r\nCall-ID: ${callId}\r\n` +
      'CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
  };
}

interface Exchange {
  /** Final responses to what was sent, in order. */
  readonly answers: readonly string[];
  /** The response to the OPTIONS that was sent after it; empty on a stream that was closed before. */
  readonly pong: string;
}

function sorted(received: string, callId: string): Exchange {
  const responses = received
    .split(/(?=^SIP\/2\.0 \d{3})/m)
    .filter(text => /^SIP\/2\.0 [2-6]/.test(text));
  const isPong = (text: string): boolean => text.includes(`Call-ID: ${callId}\r\n`);
  return {
    answers: responses.filter(text => !isPong(text)),
    pong: responses.find(isPong) ?? '',
  };
}

/**
 * Sends a message as a proxy would that the answer shall pass, whatever the Via of its author says, then
 * the OPTIONS; done when that is answered, because the engine handles datagrams in their order.
 */
async function exchangeUdp(message: Buffer): Promise<Exchange> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', () => resolve()));
  const via = `UDP 127.0.0.1:${socket.address().port}`;
  const { text, callId } = ping(via);
  let received = '';
  const answered = new Promise<void>(resolve => {
    socket.on('message', bytes => {
      received += bytes.toString('latin1');
      if (sorted(received, callId).pong !== '') {
        resolve();
      }
    });
  });
  if (message.length > 0) {
    socket.send(throughProxy(message, via), udpPort, '127.0.0.1');
  }
  socket.send(text, udpPort, '127.0.0.1');
  await withDeadline(systemClock, answered, DEADLINE_MS, () => new Error(`no pong; ${received}`));
  return sorted(received, callId);
}

function throughProxy(message: Buffer, via: string): Buffer {
  const text = message.toString('latin1');
  const end = text.indexOf('\r\n');
  const isResponse = text.startsWith('SIP/2.0');
  const hasVia = /^(?:via|v)[ \t]*:/im.test(text);
  return isResponse || !hasVia
    ? message
    : Buffer.concat([
        message.subarray(0, end + 2),
        Buffer.from(`Via: SIP/2.0/${via};branch=z9hG4bKproxy${count++};rport\r\n`),
        message.subarray(end + 2),
      ]);
}

/** Sends a message on a connection of its own, exactly as it is; then the OPTIONS, if that makes sense. */
async function exchangeTcp(
  message: Buffer,
  outcome: LiveOutcome,
): Promise<Exchange & { readonly isClosed: boolean }> {
  const socket = connect(tcpPort, '127.0.0.1');
  const { text, callId } = ping('TCP 127.0.0.1');
  let received = '';
  let isClosed = false;
  try {
    const closed = new Promise<void>(resolve => {
      socket.once('error', () => resolve());
      socket.once('end', () => {
        isClosed = true;
        resolve();
      });
    });
    const answered = new Promise<void>(resolve => {
      socket.on('data', bytes => {
        received += bytes.toString('latin1');
        if (sorted(received, callId).pong !== '') {
          resolve();
        }
      });
    });
    socket.write(message);
    const ends = outcome === 'closes' || (typeof outcome === 'object' && outcome.closes === true);
    if (outcome === 'waits') {
      // What is sent now would belong to the message. Another stream tells that this one had its turn.
      await exchangeTcp(Buffer.alloc(0), 'dropped');
    } else if (!ends) {
      socket.write(text);
    }
    const done = outcome === 'waits' ? Promise.resolve() : ends ? closed : answered;
    await withDeadline(systemClock, done, DEADLINE_MS, () => new Error(`not done; ${received}`));
    return { ...sorted(received, callId), isClosed };
  } finally {
    socket.destroy();
  }
}

function statusOf(response: string | undefined): number {
  return Number(response?.slice(8, 11));
}

/** What the engine did, in the words of the table. */
function judge({ answers }: Exchange): LiveOutcome {
  const [answer] = answers;
  if (answer === undefined) {
    return 'dropped';
  }
  return answer.includes(MARK) ? 'application' : { status: statusOf(answer) };
}

async function expectQuiet(): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  let open = await openThings(engine);
  while (
    Object.values(open).some(value => value > 0) &&
    systemClock.monotonicMs() - startedMs < DEADLINE_MS
  ) {
    await new Promise(resolve => setTimeout(resolve, 25));
    open = await openThings(engine);
  }
  expect(open).toEqual({
    dialogs: 0,
    pendingRequests: 0,
    clientTransactions: 0,
    serverTransactions: 0,
    timers: 0,
    tcpConnections: 0,
  });
  expect(statusOf((await exchangeUdp(Buffer.alloc(0))).pong)).toBe(200);
  expect(statusOf((await exchangeTcp(Buffer.alloc(0), 'application')).pong)).toBe(200);
}

async function drops(): Promise<Readonly<Record<string, number>>> {
  return (await engine.counters()).drops;
}

/** A message with another Call-ID: the same over another path would be merged (RFC 3261 §8.2.2.2). */
function again(name: string): Buffer {
  const text = messageOf(name).toString('latin1');
  return Buffer.from(text.replace(/^Call-ID: /m, '$&again-'), 'latin1');
}

async function answerTo(name: string): Promise<string> {
  return (await exchangeUdp(again(name))).answers[0] ?? '';
}

describe('over UDP', () => {
  beforeAll(start);
  afterAll(stop);

  test.each(TORTURE_CASES)('$name: $shows', async ({ name, udp }) => {
    const exchange = await exchangeUdp(messageOf(name));
    expect(judge(exchange)).toEqual(udp);
    expect(statusOf(exchange.pong)).toBe(200);
  });

  test('501 and 405 name the methods that are understood (RFC 3261 §21.4.6)', async () => {
    expect(await answerTo('4475-3.1.1.2-every-legal-character')).toMatch(/^Allow: .*INVITE/m);
    const unrouted = await answerTo('own-unrouted-method');
    expect(unrouted).toMatch(/^Allow: .*OPTIONS/m);
    expect(unrouted).not.toMatch(/^Allow: .*PUBLISH/m);
  });

  test('420 names what is not supported, of Require alone (RFC 4475 §3.3.5)', async () => {
    const answer = await answerTo('4475-3.3.5-require-and-proxy-require');
    expect(answer).toMatch(/^Unsupported: raiseTheMainsail, raiseTheJib\r$/m);
  });

  test('505 goes out in our own version, with the Via as it came (RFC 4475 §3.1.2.16)', async () => {
    const answer = await answerTo('4475-3.1.2.16-unknown-version');
    expect(answer).toMatch(/^SIP\/2\.0 505 /);
    expect(answer).toMatch(/^Via: +SIP\/9\.1\/UDP buoy17\.example;/m);
  });

  test('the application gets users with semicolons and escapes whole (RFC 4475 §3.1.1.3, §3.1.1.9)', () => {
    expect(seen.get('semicolon-1.yy')?.uri).toBe(
      'sip:keeper;lamp=a%40gate.example@lighthouse.example',
    );
    expect(seen.get('percent-1.aa01')?.uri).toBe(
      'sip:sips%3Akeeper%40lighthouse.example@gate.example',
    );
  });

  test('the application gets no method and no header that was none before unescaping', () => {
    expect(seen.has('noescape-1.q1')).toBe(false);
    expect(seen.get('eschdr.slip')).toMatchObject({ contact: '<sip:marta@buoy30.example>' });
  });

  test('after all of it nothing is open, the drops are counted, and the engine answers', async () => {
    await expectQuiet();
    expect(await drops()).toMatchObject({
      'parse-no-header-end': 1,
      'parse-start-line': 3,
      'parse-too-large': 1,
      'response-via': 1,
      'escaped-header-name': 1,
    });
  });
});

describe('over TCP', () => {
  beforeAll(start);
  afterAll(stop);

  test.each(TORTURE_CASES)('$name: $shows', async ({ name, udp, tcp = udp }) => {
    const exchange = await exchangeTcp(messageOf(name), tcp);
    const ends = tcp === 'closes' || (typeof tcp === 'object' && tcp.closes === true);
    expect(exchange.isClosed).toBe(ends);
    expect(statusOf(exchange.pong) === 200).toBe(!ends && tcp !== 'waits');
    const expected = typeof tcp === 'object' ? { status: tcp.status } : tcp;
    expect(judge(exchange)).toEqual(
      expected === 'waits' || expected === 'closes' ? 'dropped' : expected,
    );
  });

  test('octets after a body were the next message of the stream (RFC 4475 §3.1.1.8)', () => {
    expect(seen.get('trailing-1.aa')?.method).toBe('REGISTER');
    expect(seen.get('trailing-2.bb')?.uri).toBe('sip:stowaway@lighthouse.example');
  });

  test('after all of it nothing is open, the drops are counted, and the engine answers', async () => {
    await expectQuiet();
    expect(await drops()).toMatchObject({
      'stream-bad-content-length': 3,
      'stream-missing-content-length': 2,
    });
  });
});
