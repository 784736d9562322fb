import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  type ConnectionOptions,
  createServer as createTlsServer,
  type TlsOptions,
} from 'node:tls';
import Srf from 'drachtio-srf';
import { noopLogger, systemClock, withDeadline } from '#core';
import {
  type EmbeddedEngine,
  type EmbeddedEngineOptions,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  startEmbeddedEngine,
} from '#sip/engine';

/** Only what fails waits so long. */
const DEADLINE_MS = 15_000;

/** Short enough that 64*T1 passes within a test. */
export const TEST_TIMERS = { t1Ms: 12, t2Ms: 48, t4Ms: 60 };

export const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n';

/** What a peer of the engine received, to be taken in any order. */
abstract class Peer {
  readonly #received: { readonly message: SipMessage; readonly raw: Buffer }[] = [];
  #wake: (() => void)[] = [];
  abstract readonly protocol: 'UDP' | 'TCP' | 'TLS';
  abstract readonly port: number;

  abstract send(text: string | Buffer): void;
  abstract close(): void;

  protected take(raw: Buffer): void {
    const result = parseMessage(raw);
    if (result.ok) {
      this.#received.push({ message: result.message, raw });
      for (const wake of this.#wake.splice(0)) {
        wake();
      }
    }
  }

  /** How many messages came that nobody took yet and that match. */
  count(match: (message: SipMessage) => boolean): number {
    return this.#received.filter(({ message }) => match(message)).length;
  }

  /** The next message that matches, taken out. */
  async next<T extends SipMessage>(
    what: string,
    match: (message: SipMessage) => message is T,
  ): Promise<T> {
    const search = async (): Promise<T> => {
      for (;;) {
        const at = this.#received.findIndex(({ message }) => match(message));
        const [found] = at < 0 ? [] : this.#received.splice(at, 1);
        if (found !== undefined) {
          return found.message as T;
        }
        await new Promise<void>(resolve => this.#wake.push(resolve));
      }
    };
    return withDeadline(systemClock, search(), DEADLINE_MS, () => {
      const seen = this.#received.map(({ message }) => describe(message)).join(', ');
      return new Error(`${what} did not come; seen: ${seen}`);
    });
  }

  request(method: string): Promise<SipRequest> {
    return this.next(
      method,
      (message): message is SipRequest => message.kind === 'request' && message.method === method,
    );
  }

  response(status: number, method?: string): Promise<SipResponse> {
    return this.next(
      `${status} ${method ?? ''}`,
      (message): message is SipResponse =>
        message.kind === 'response' &&
        message.status === status &&
        (method === undefined || message.headers.get('cseq')?.endsWith(method) === true),
    );
  }

  get contact(): string {
    const transport = this.protocol === 'UDP' ? '' : `;transport=${this.protocol.toLowerCase()}`;
    return `<sip:peer@127.0.0.1:${this.port}${transport}>`;
  }
}

function describe(message: SipMessage): string {
  return message.kind === 'request' ? message.method : String(message.status);
}

export class UdpPeer extends Peer {
  readonly protocol = 'UDP';
  readonly #socket: UdpSocket;
  readonly #targetPort: number;

  private constructor(socket: UdpSocket, targetPort: number) {
    super();
    this.#socket = socket;
    this.#targetPort = targetPort;
    socket.on('message', bytes => this.take(bytes));
  }

  static async start(targetPort: number): Promise<UdpPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', () => resolve()));
    return new UdpPeer(socket, targetPort);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string | Buffer): void {
    this.#socket.send(text, this.#targetPort, '127.0.0.1');
  }

  close(): void {
    this.#socket.close();
  }
}

/** How a peer listens and connects over TLS. */
export interface PeerTls {
  readonly server: TlsOptions;
  readonly client: ConnectionOptions;
}

/** Listens on TCP or TLS and uses the newest connection, its own or an accepted one. */
export class TcpPeer extends Peer {
  readonly protocol: 'TCP' | 'TLS';
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #tls: PeerTls | null;
  /** Connections that it has accepted. */
  accepted = 0;
  /** What has gone wrong with connections. */
  readonly errors: Error[] = [];
  readonly #sockets = new Set<Socket>();
  #current: Socket | null = null;

  private constructor(server: Server, targetPort: number, tls: PeerTls | null) {
    super();
    this.#server = server;
    this.#targetPort = targetPort;
    this.#tls = tls;
    this.protocol = tls === null ? 'TCP' : 'TLS';
    server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.accepted++;
      this.#adopt(socket);
    });
    server.on('tlsClientError', (error: Error) => this.errors.push(error));
  }

  static async start(targetPort: number, tls: PeerTls | null = null): Promise<TcpPeer> {
    const server = tls === null ? createServer() : createTlsServer(tls.server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()));
    return new TcpPeer(server, targetPort, tls);
  }

  #connect(): Socket {
    const address = { port: this.#targetPort, host: '127.0.0.1' };
    return this.#tls === null ? connect(address) : connectTls({ ...address, ...this.#tls.client });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  send(text: string | Buffer): void {
    this.#current ??= this.#adopt(this.#connect());
    this.#current.write(text);
  }

  close(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
  }

  #adopt(socket: Socket): Socket {
    this.#current = socket;
    this.#sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('error', error => this.errors.push(error));
    socket.on('data', chunk => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        const length = /content-length: *(\d+)/i.exec(pending.toString('latin1'))?.[1];
        if (end < 0 || length === undefined || pending.length < end + 4 + Number(length)) {
          return;
        }
        this.take(pending.subarray(0, end + 4 + Number(length)));
        pending = pending.subarray(end + 4 + Number(length));
      }
    });
    return socket;
  }
}

let nextCall = 1;

/** A caller's or callee's side of one call, as text. */
export class RawCall {
  readonly callId = `call-${process.pid}-${nextCall++}`;
  readonly fromTag = `from${nextCall}`;
  readonly #peer: Peer;
  #branch = 0;
  lastBranch = '';

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  request(
    method: string,
    cseq: number,
    options: {
      to?: string;
      uri?: string;
      body?: string;
      extra?: string;
      branch?: string;
      maxForwards?: number;
    } = {},
  ): void {
    const { protocol, port, contact } = this.#peer;
    this.lastBranch = options.branch ?? `z9hG4bK${this.callId}-${this.#branch++}`;
    const body = options.body ?? '';
    this.#peer.send(
      `${method} ${options.uri ?? 'sip:bob@127.0.0.1'} SIP/2.0\r\n` +
        `Via: SIP/2.0/${protocol} 127.0.0.1:${port};branch=${this.lastBranch};rport\r\n` +
        `From: "Alice" <sip:alice@127.0.0.1>;tag=${this.fromTag}\r\n` +
        `To: ${options.to ?? '<sip:bob@127.0.0.1>'}\r\n` +
        `Call-ID: ${this.callId}\r\nCSeq: ${cseq} ${method}\r\n` +
        `Contact: ${contact}\r\nMax-Forwards: ${options.maxForwards ?? 70}\r\n` +
        (options.extra ?? '') +
        (body === '' ? '' : 'Content-Type: application/sdp\r\n') +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
}

/** A response to a request that a peer received. */
export function respond(
  peer: Peer,
  request: SipRequest,
  status: number,
  options: { tag?: string; body?: string; extra?: string } = {},
): void {
  const { headers } = request;
  const body = options.body ?? '';
  const to = headers.get('to') ?? '';
  const tagged =
    options.tag === undefined || to.includes(';tag=') ? to : `${to};tag=${options.tag}`;
  peer.send(
    `SIP/2.0 ${status} Whatever\r\n` +
      headers
        .getAll('via')
        .map(via => `Via: ${via}\r\n`)
        .join('') +
      `From: ${headers.get('from') ?? ''}\r\nTo: ${tagged}\r\n` +
      `Call-ID: ${headers.get('call-id') ?? ''}\r\nCSeq: ${headers.get('cseq') ?? ''}\r\n` +
      `Contact: ${peer.contact}\r\n${options.extra ?? ''}` +
      (body === '' ? '' : 'Content-Type: application/sdp\r\n') +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export interface Bench {
  readonly engine: EmbeddedEngine;
  readonly srf: Srf;
  readonly udpPort: number;
  readonly tcpPort: number;
  peer(protocol: 'UDP' | 'TCP'): Promise<UdpPeer | TcpPeer>;
  /** The application's connection goes. */
  loseApp(): void;
  /** Waits until nothing is open in the engine, peers disconnected. */
  expectQuiet(): Promise<void>;
  close(): Promise<void>;
}

export async function connectSrf(engine: EmbeddedEngine, secret = engine.secret): Promise<Srf> {
  const srf = new Srf();
  const connected = new Promise<void>((resolve, reject) => {
    srf.on('connect', (error: unknown) => (error instanceof Error ? reject(error) : resolve()));
    srf.on('error', reject);
  });
  void srf.connect({ host: engine.host, port: engine.port, secret });
  try {
    await withDeadline(systemClock, connected, DEADLINE_MS, () => new Error('srf not connected'));
  } catch (error) {
    // It would go on trying to reconnect.
    srf.disconnect();
    throw error;
  }
  return srf;
}

/** What is open in an engine; all zero when nothing is. */
export async function openThings(
  engine: EmbeddedEngine,
): Promise<Readonly<Record<string, number>>> {
  const counters = await engine.counters();
  const { dialogs, pendingRequests, clientTransactions } = counters;
  const { serverTransactions, timers, tcpConnections } = counters;
  return {
    dialogs,
    pendingRequests,
    clientTransactions,
    serverTransactions,
    timers,
    tcpConnections,
  };
}

export async function startBench(options: Partial<EmbeddedEngineOptions> = {}): Promise<Bench> {
  const engine = await startEmbeddedEngine({
    listeners: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    logger: noopLogger,
    timers: TEST_TIMERS,
    ...options,
  });
  const srf = await connectSrf(engine);
  const peers: (UdpPeer | TcpPeer)[] = [];
  let isLost = false;
  const udpPort = engine.listeners[0]?.port ?? 0;
  const tcpPort = engine.listeners[1]?.port ?? 0;
  return {
    engine,
    srf,
    udpPort,
    tcpPort,
    peer: async protocol => {
      const peer = protocol === 'UDP' ? await UdpPeer.start(udpPort) : await TcpPeer.start(tcpPort);
      peers.push(peer);
      return peer;
    },
    expectQuiet: async () => {
      for (const peer of peers.splice(0)) {
        peer.close();
      }
      const started = systemClock.monotonicMs();
      for (;;) {
        const open = await openThings(engine);
        if (Object.values(open).every(count => count === 0)) {
          return;
        }
        if (systemClock.monotonicMs() - started > DEADLINE_MS) {
          throw new Error(`still open: ${JSON.stringify(open)}`);
        }
        await new Promise(resolve => setTimeout(resolve, 25));
      }
    },
    loseApp: () => {
      isLost = true;
      srf.disconnect();
    },
    close: async () => {
      if (!isLost) {
        srf.disconnect();
      }
      await engine.close();
    },
  };
}

/** Waits for a promise of the test with a deadline and a name. */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return withDeadline(systemClock, promise, DEADLINE_MS, () => new Error(`${what} did not happen`));
}

export type Handler = Parameters<Srf['invite']>[0];

/**
 * The next INVITE that reaches the application. Resolves when the engine knows the route; a round trip
 * to it afterwards is enough, because frames are worked on in order.
 */
export async function nextInvite(bench: Bench): Promise<{
  readonly invite: Promise<{ req: Srf.SrfRequest; res: Srf.SrfResponse }>;
}> {
  const invite = new Promise<{ req: Srf.SrfRequest; res: Srf.SrfResponse }>(resolve => {
    const handler: Handler = (req, res) => resolve({ req, res });
    bench.srf.invite(handler);
  });
  await routed(bench);
  return { invite };
}

/** Waits until the application's routes are known: an own request of its comes back on the same socket. */
export async function routed(bench: Bench): Promise<void> {
  const request = bench.srf.request.bind(bench.srf) as unknown as (
    uri: string,
    options: object,
    callback: () => void,
  ) => void;
  await new Promise<void>(resolve =>
    request('sip:nobody@127.0.0.1;transport=tls', { method: 'OPTIONS' }, resolve),
  );
}

interface Emitter {
  once(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** The arguments of the next event. */
export function once(emitter: unknown, event: string): Promise<unknown[]> {
  return new Promise(resolve => {
    (emitter as Emitter).once(event, (...args) => resolve(args));
  });
}

/** Ends a dialog; resolves with the answer to the BYE. */
export function hangUp(dialog: Srf.Dialog): Promise<unknown> {
  return (dialog as unknown as { destroy(): Promise<unknown> }).destroy();
}

export function cancel(request: Srf.SrfRequest | null): Promise<void> {
  return new Promise(resolve => request?.cancel(() => resolve()));
}

/** Resolves as soon as the condition holds, looked at on every turn of the event loop. */
export function until(condition: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = (): void => {
      if (condition()) {
        resolve();
      } else {
        setImmediate(look);
      }
    };
    look();
  });
}

/** What a promise is rejected with; an error that says so when it is not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it should have failed');
}

/** A call that has come to the application, which has said nothing yet. */
export interface ArrivedCall {
  readonly peer: UdpPeer | TcpPeer;
  readonly call: RawCall;
  readonly req: Parameters<Handler>[0];
  readonly res: Parameters<Handler>[1];
}

/** @param peer that calls. @param extra header lines of its INVITE. */
export async function arrivedCall(
  bench: Bench,
  peer: UdpPeer | TcpPeer,
  extra = '',
): Promise<ArrivedCall> {
  const call = new RawCall(peer);
  const arriving = await nextInvite(bench);
  call.request('INVITE', 1, { body: SDP, extra });
  return { peer, call, ...(await within('INVITE', arriving.invite)) };
}

/** A caller whose call the application has answered, and which has acknowledged that. */
export interface AnsweredCall {
  readonly peer: UdpPeer | TcpPeer;
  readonly call: RawCall;
  readonly dialog: Srf.Dialog;
  /** With the application's tag. */
  readonly to: string;
  /** Headers of the 200. */
  readonly ok: SipResponse['headers'];
}

/** @param peer that calls. */
export async function answeredCall(
  bench: Bench,
  peer: UdpPeer | TcpPeer,
  options: { readonly extra?: string; readonly answerHeaders?: Record<string, string> } = {},
): Promise<AnsweredCall> {
  const { call, req, res } = await arrivedCall(bench, peer, options.extra);
  const headers = options.answerHeaders ?? {};
  const dialog = await bench.srf.createUAS(req, res, { localSdp: SDP, headers });
  const ok = (await peer.response(200)).headers;
  const to = ok.get('to') ?? '';
  const acked = once(dialog, 'ack');
  call.request('ACK', 1, { to });
  await within('ack', acked);
  return { peer, call, dialog, to, ok };
}

/** A call of the application's that a peer has answered. */
export interface PlacedCall {
  readonly dialog: Srf.Dialog;
  readonly peer: UdpPeer | TcpPeer;
  readonly invite: SipRequest;
}

/** @param peer that is called. @param options.extra header lines of its 200; the others are the application's. */
export async function placedCall(
  bench: Bench,
  peer: UdpPeer | TcpPeer,
  options: {
    readonly extra?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  } = {},
): Promise<PlacedCall> {
  const { extra = '', headers = {}, body = SDP } = options;
  const transport = peer instanceof TcpPeer ? ';transport=tcp' : '';
  const uri = `sip:bob@127.0.0.1:${peer.port}${transport}`;
  const calling = bench.srf.createUAC(uri, { localSdp: body, headers });
  const invite = await peer.request('INVITE');
  respond(peer, invite, 200, { tag: 'b', body: SDP, extra });
  const dialog = await within('UAC', calling);
  await peer.request('ACK');
  return { peer, dialog, invite };
}

/** The caller hangs up, and the application hears of it. */
export async function endByCaller(
  { peer, call, dialog, to }: Omit<AnsweredCall, 'ok'>,
  cseq = 50,
): Promise<void> {
  const destroyed = once(dialog, 'destroy');
  call.request('BYE', cseq, { to });
  await peer.response(200, 'BYE');
  await within('end', destroyed);
}
