import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { type AddressInfo } from 'node:net';

/** A SIP message as it came off the wire. */
export class RawMessage {
  readonly startLine: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;

  constructor(readonly text: string) {
    const split = text.indexOf('\r\n\r\n');
    const [startLine = '', ...lines] = text.slice(0, split).split('\r\n');
    this.startLine = startLine;
    this.headers = lines.map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    this.body = text.slice(split + 4);
  }

  get method(): string | null {
    return this.startLine.startsWith('SIP/2.0') ? null : (this.startLine.split(' ')[0] ?? '');
  }

  get status(): number {
    return this.startLine.startsWith('SIP/2.0') ? Number(this.startLine.split(' ')[1]) : 0;
  }

  /** All values of a header, joined by commas. */
  get(name: string): string | undefined {
    const values = this.headers.filter(([each]) => each === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  }

  get cseqMethod(): string {
    return this.get('cseq')?.split(/\s+/)[1] ?? '';
  }
}

export function tagOf(value: string | undefined): string {
  return /;tag=([^;\s]+)/.exec(value ?? '')?.[1] ?? '';
}

export function token(): string {
  return randomBytes(6).toString('hex');
}

interface MessageParts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly contentType?: string;
}

/**
 * A SIP user agent that does nothing by itself: tests say every message. UDP, and TCP on the same port. Repeated messages
 * (retransmissions) are dropped unless asked for.
 */
export class RawSipPeer {
  readonly name: string;
  readonly received: RawMessage[] = [];
  readonly #udp: Socket;
  readonly #server: Server;
  readonly #connections = new Set<TcpSocket>();
  readonly #seen = new Set<string>();
  #waiters: (() => void)[] = [];
  #replyTo: TcpSocket | null = null;

  private constructor(name: string, udp: Socket, server: Server) {
    this.name = name;
    this.#udp = udp;
    this.#server = server;
    udp.on('message', data => this.#take(data.toString('utf8')));
    server.on('connection', connection => this.#accept(connection));
  }

  static async open(name: string): Promise<RawSipPeer> {
    for (let attempt = 1; ; attempt++) {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const udp = createSocket('udp4');
      try {
        udp.bind(port, '127.0.0.1');
        await once(udp, 'listening');
        return new RawSipPeer(name, udp, server);
      } catch (error) {
        // Somebody else has the same port over UDP.
        udp.close();
        server.close();
        if (attempt === 10) {
          throw error;
        }
      }
    }
  }

  get port(): number {
    return this.#udp.address().port;
  }

  get uri(): string {
    return `sip:${this.name}@127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#udp.close();
    for (const connection of this.#connections) {
      connection.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** What belongs into our Via: messages go back over the connection that the engine has made, if any. */
  get viaTransport(): 'UDP' | 'TCP' {
    return this.#replyTo !== null && !this.#replyTo.destroyed ? 'TCP' : 'UDP';
  }

  send(text: string, port: number): void {
    if (this.#replyTo !== null && !this.#replyTo.destroyed) {
      this.#replyTo.write(text);
    } else {
      this.#udp.send(text, port, '127.0.0.1');
    }
  }

  /** Takes the first message not yet taken for which `test` holds. */
  async next(
    test: (message: RawMessage) => boolean,
    what: string,
    deadlineMs = 15_000,
  ): Promise<RawMessage> {
    const end = Date.now() + deadlineMs;
    for (;;) {
      const at = this.received.findIndex(test);
      const found = this.received[at];
      if (found !== undefined) {
        this.received.splice(at, 1);
        return found;
      }
      const left = end - Date.now();
      if (left <= 0) {
        const had = this.received.map(message => message.startLine).join(' | ');
        throw new Error(`${this.name} has not received ${what} within ${deadlineMs} ms: ${had}`);
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  request(method: string, deadlineMs?: number): Promise<RawMessage> {
    return this.next(message => message.method === method, method, deadlineMs);
  }

  response(status: number, method: string, deadlineMs?: number): Promise<RawMessage> {
    return this.next(
      message => message.status === status && message.cseqMethod === method,
      `${status} to ${method}`,
      deadlineMs,
    );
  }

  /** Answers a request that was received. */
  reply(
    request: RawMessage,
    statusLine: string,
    parts: MessageParts & { toTag?: string; noContact?: boolean } = {},
  ): void {
    const to = request.get('to') ?? '';
    const headers: [string, string][] = request.headers
      .filter(([name]) => name === 'via' || name === 'record-route')
      .map(([name, value]) => [name, value]);
    const toTag = parts.toTag ?? `${this.name}-tag`;
    headers.push(
      ['From', request.get('from') ?? ''],
      ['To', tagOf(to) === '' && !statusLine.startsWith('100') ? `${to};tag=${toTag}` : to],
      ['Call-ID', request.get('call-id') ?? ''],
      ['CSeq', request.get('cseq') ?? ''],
    );
    if (parts.noContact !== true) {
      headers.push(['Contact', `<${this.uri}>`]);
    }
    this.send(
      format(`SIP/2.0 ${statusLine}`, headers, parts),
      Number(/:(\d+)/.exec(request.get('via') ?? '')?.[1] ?? 5060),
    );
  }

  #accept(connection: TcpSocket): void {
    this.#connections.add(connection);
    this.#replyTo = connection;
    let text = '';
    connection.on('error', () => undefined);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('data', data => {
      text += data.toString('utf8');
      for (;;) {
        const split = text.indexOf('\r\n\r\n');
        const length = Number(/\r\ncontent-length:\s*(\d+)/i.exec(text)?.[1] ?? 0);
        if (split === -1 || text.length < split + 4 + length) {
          return;
        }
        const message = text.slice(0, split + 4 + length);
        text = text.slice(split + 4 + length);
        this.#take(message);
      }
    });
  }

  #take(text: string): void {
    if (text.trim() === '' || this.#seen.has(text)) {
      return;
    }
    this.#seen.add(text);
    this.received.push(new RawMessage(text));
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) {
      wake();
    }
  }
}

/** The dialog of a peer as it sees it: enough to send well-formed requests within it. */
export class RawDialog {
  cseq = 1;
  remoteTag = '';
  /** Branch of the INVITE, for its CANCEL and the ACK of a failure. */
  branch = `z9hG4bK${token()}`;
  readonly localTag: string;
  readonly callId: string;
  remoteTarget: string;

  constructor(
    readonly peer: RawSipPeer,
    readonly enginePort: number,
    readonly options: {
      remoteUri: string;
      callId?: string;
      localTag?: string;
      localUri?: string;
    },
  ) {
    this.callId = options.callId ?? `${token()}@127.0.0.1`;
    this.localTag = options.localTag ?? token();
    this.remoteTarget = options.remoteUri;
  }

  /** The dialog that answering `invite` makes on the callee's side. */
  static ofInvite(peer: RawSipPeer, enginePort: number, invite: RawMessage): RawDialog {
    const dialog = new RawDialog(peer, enginePort, {
      remoteUri: uriOf(invite.get('from')),
      callId: invite.get('call-id') ?? '',
      localTag: `${peer.name}-tag`,
      localUri: uriOf(invite.get('to')),
    });
    dialog.remoteTag = tagOf(invite.get('from'));
    dialog.remoteTarget = uriOf(invite.get('contact'));
    return dialog;
  }

  /** Learns tag and target from a response to the INVITE. */
  learn(response: RawMessage): void {
    this.remoteTag = tagOf(response.get('to'));
    const contact = response.get('contact');
    if (contact !== undefined) {
      this.remoteTarget = uriOf(contact);
    }
  }

  invite(parts: MessageParts = {}): void {
    this.send('INVITE', parts);
  }

  /** A new request within the dialog, or the INVITE that opens it. ACK and CANCEL take the INVITE's number. */
  send(method: string, parts: MessageParts = {}): void {
    if (method !== 'ACK' && method !== 'CANCEL') {
      this.cseq++;
      this.branch = `z9hG4bK${token()}`;
    }
    const branch = method === 'ACK' ? `z9hG4bK${token()}` : this.branch;
    this.peer.send(this.#format(method, branch, this.cseq, parts), this.enginePort);
  }

  /** ACK of a final response other than 2xx: belongs to the INVITE's transaction (RFC 3261 §17.1.1.3). */
  acknowledgeFailure(response: RawMessage): void {
    const remoteTag = this.remoteTag;
    this.remoteTag = tagOf(response.get('to'));
    const cseq = Number(response.get('cseq')?.split(' ')[0]);
    this.peer.send(this.#format('ACK', this.branch, cseq, {}), this.enginePort);
    this.remoteTag = remoteTag;
  }

  /** ACK of the 2xx to the INVITE with this number. */
  acknowledge(response: RawMessage, parts: MessageParts = {}): void {
    this.learn(response);
    const cseq = Number(response.get('cseq')?.split(' ')[0]);
    this.peer.send(this.#format('ACK', `z9hG4bK${token()}`, cseq, parts), this.enginePort);
  }

  #format(method: string, branch: string, cseq: number, parts: MessageParts): string {
    const { remoteUri } = this.options;
    const localUri = this.options.localUri ?? this.peer.uri;
    const remoteTag = this.remoteTag === '' ? '' : `;tag=${this.remoteTag}`;
    const isCancel = method === 'CANCEL';
    const headers: [string, string][] = [
      [
        'Via',
        `SIP/2.0/${this.peer.viaTransport} 127.0.0.1:${this.peer.port};branch=${branch};rport`,
      ],
      ['Max-Forwards', '70'],
      ['From', parts.headers?.['From'] ?? `<${localUri}>;tag=${this.localTag}`],
      ['To', `<${remoteUri}>${isCancel ? '' : remoteTag}`],
      ['Call-ID', this.callId],
      ['CSeq', `${cseq} ${method}`],
      ['Contact', `<${this.peer.uri}>`],
    ];
    const uri = isCancel || this.remoteTag === '' ? remoteUri : this.remoteTarget;
    return format(`${method} ${uri} SIP/2.0`, headers, parts);
  }
}

function format(
  startLine: string,
  headers: readonly [string, string][],
  parts: MessageParts,
): string {
  const body = parts.body ?? '';
  const own = Object.entries(parts.headers ?? {}).filter(([name]) => name !== 'From');
  const lines = [
    startLine,
    ...[...headers.filter(([name]) => !own.some(([each]) => each === name)), ...own].map(
      ([name, value]) => `${name}: ${value}`,
    ),
    ...(body === '' ? [] : [`Content-Type: ${parts.contentType ?? 'application/sdp'}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export function uriOf(value: string | undefined): string {
  return /<([^>]+)>/.exec(value ?? '')?.[1] ?? (value ?? '').split(';')[0] ?? '';
}
