import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, errorMessage, type Logger, withDeadline } from '#core';
import {
  type ClientTlsOptions,
  type EngineTransport,
  HeaderList,
  type ListenerOptions,
  makeResponse,
  type ServerTls,
  type SipMessage,
  type SipRequest,
  type TimerValues,
} from '#sip/engine';
import { LabError } from './errors';
import { newTag } from './sip/dialog';
import { reachableHost } from './sip/reachable-host';
import { type IncomingRequest, SipEndpoint, type SipTap } from './sip/sip-endpoint';
import { type SrsBehaviour } from './srs/behaviour';
import { EvidenceStore, type EvidenceLimits } from './srs/evidence-store';
import { Recording } from './srs/recording';
import { type RecordingEvent } from './srs/recording-options';
import { type ObservedPacket } from './srs/recording-stream';
import { TcpGate } from './srs/tcp-gate';
import { Waiters } from './waiters';

export interface ReferenceSrsOptions {
  /** IP literal to listen on; of all addresses (`0.0.0.0`) one is told to the SRC and used for media. */
  readonly host: string;
  /** 0: any free port. TLS beside TCP listens at the port above. */
  readonly port: number;
  readonly transports: readonly EngineTransport[];
  /** One folder per recording session is made here. */
  readonly outDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The same for all sessions, or chosen by the INVITE. */
  readonly behaviour?: SrsBehaviour | ((invite: SipRequest) => SrsBehaviour);
  /** Sessions at a time; further ones get 503. Default 2000. */
  readonly maxSessions?: number;
  /** Sessions remembered after their end; the oldest are forgotten first. Default 2000. */
  readonly maxRemembered?: number;
  /** A session silent for this long is asked whether it still lives. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** Bounds of the evidence of one session. */
  readonly evidence?: Partial<EvidenceLimits>;
  /** Length of one WAV in frames of 8 kHz. Default: 4 hours. */
  readonly maxFrames?: number;
  /** Time between receiver reports. Default 5 s. */
  readonly rtcpIntervalMs?: number;
  /** A stream that lasts longer without a sender report is a deviation. Default 8 s. */
  readonly rtcpDueMs?: number;
  /** Told of every RTP packet that was understood, with the session that it belongs to. */
  readonly onRtp?: (recording: Recording, packet: ObservedPacket) => void;
  readonly timers?: Partial<TimerValues>;
  /** The certificate that it listens with over TLS. */
  readonly listenerTls?: ServerTls;
  /** TLS of its own connections. */
  readonly tls?: ClientTlsOptions;
  /** Sees every message. */
  readonly tap?: SipTap;
}

/** An INVITE that made no recording session, or any other event of one that did. */
export type SrsEvent =
  | { readonly kind: 'turned-away'; readonly callId: string; readonly status: number | null }
  | { readonly kind: 'recording'; readonly recording: Recording; readonly event: RecordingEvent };

const DEFAULT_MAX_SESSIONS = 2000;
const DEFAULT_MAX_REMEMBERED = 2000;
const DEFAULT_IDLE_TIMEOUT_MS = 60_000;
const BYE_DEADLINE_MS = 1000;
const DEFAULT_MAX_FRAMES = 4 * 3600 * 8000;
const ACCEPT =
  'application/sdp, application/rs-metadata, application/rs-metadata+xml, multipart/mixed';

/**
 * A small and honest recorder: takes a recording session from any SRC, keeps what it received byte for byte, and
 * lists every departure from RFC 7865 and RFC 7866. It can be told to misbehave.
 */
export class ReferenceSrs {
  readonly #options: ReferenceSrsOptions;
  readonly #waiters: Waiters;
  readonly #recordings: Recording[] = [];
  readonly #byCallId = new Map<string, Recording>();
  readonly #listeners = new Set<(event: SrsEvent) => void>();
  #behaviour: NonNullable<ReferenceSrsOptions['behaviour']>;
  #endpoint: SipEndpoint | null = null;
  #gate: TcpGate | null = null;
  #count = 0;
  #messagesReceived = 0;
  #isClosing = false;

  /** @internal Use startReferenceSrs(). */
  constructor(options: ReferenceSrsOptions) {
    this.#options = options;
    this.#behaviour = options.behaviour ?? {};
    this.#waiters = new Waiters(options.clock);
  }

  /** The sessions so far, oldest first. */
  get recordings(): readonly Recording[] {
    return this.#recordings;
  }

  /** Open dialogs, transactions and connections; all 0 when everything has ended. */
  get counters(): SipEndpoint['counters'] {
    return this.#started.counters;
  }

  /** SIP messages that came, whatever became of them. */
  get messagesReceived(): number {
    return this.#messagesReceived;
  }

  /** Where an SRC sends its INVITEs, e.g. `sip:srs@127.0.0.1:5090;transport=tcp`. */
  uri(transport: EngineTransport): string {
    return this.#started.uri('srs', transport);
  }

  /** Changes how sessions from now on are treated. */
  setBehaviour(behaviour: NonNullable<ReferenceSrsOptions['behaviour']>): void {
    this.#behaviour = behaviour;
  }

  /** Tells about everything that happens. @returns a function that stops it. */
  onEvent(listener: (event: SrsEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first recording for which `test` holds, now or later.
   * @throws LabError `REC_ERR_LAB_TIMEOUT`.
   */
  async waitForRecording(
    test: (recording: Recording) => boolean = () => true,
    deadlineMs = 10_000,
  ): Promise<Recording> {
    await this.#waiters.until(() => this.#recordings.some(test), deadlineMs, 'a recording');
    const found = this.#recordings.find(test);
    if (found === undefined) {
      throw new LabError('REC_ERR_LAB_TIMEOUT', 'the recording changed again');
    }
    return found;
  }

  /** Ends every session with BYE and frees all sockets. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) {
      return;
    }
    this.#isClosing = true;
    const open = this.#recordings.filter(({ state }) => state !== 'ended');
    // A silent SRC must not hold us: its BYE is given up soon.
    const { clock } = this.#options;
    const givenUp = (): Error => new LabError('REC_ERR_LAB_TIMEOUT', 'the BYE was not answered');
    await Promise.all(
      open.map(async recording => {
        await withDeadline(clock, recording.bye('closed'), BYE_DEADLINE_MS, givenUp).catch(
          () => undefined,
        );
        await recording.end('closed');
      }),
    );
    await this.#endpoint?.close();
    await this.#gate?.close();
  }

  /** @internal @throws LabError `REC_ERR_LAB_BIND`. */
  async start(): Promise<void> {
    const { host, port, transports, clock, logger, timers, outDir } = this.#options;
    const advertisedHost = reachableHost(host);
    mkdirSync(outDir, { recursive: true });
    this.#gate = transports.includes('tcp') ? await TcpGate.open(host, port) : null;
    try {
      const endpoint = await SipEndpoint.open({
        clock,
        logger,
        listeners: transports.map(transport => this.#listener(transport, advertisedHost)),
        ...(this.#options.tls === undefined ? {} : { tls: this.#options.tls }),
        ...(timers === undefined ? {} : { timers }),
        onRequest: incoming => this.#onRequest(incoming),
        onReceived: (message, source) => {
          this.#options.tap?.('received', source.raw);
          this.#onReceived(message, source.raw);
        },
        onSent: bytes => this.#options.tap?.('sent', bytes),
      });
      this.#endpoint = endpoint;
    } catch (error) {
      await this.#gate?.close();
      throw error;
    }
    const inner = this.#started.boundPort('tcp');
    if (inner !== null) {
      this.#gate?.leadTo({ host: advertisedHost, port: inner });
    }
  }

  #listener(transport: EngineTransport, advertisedHost: string): ListenerOptions {
    const { host, port, transports, listenerTls } = this.#options;
    if (transport === 'tcp' && this.#gate !== null) {
      return { transport, host, port: 0, advertisedHost, advertisedPort: this.#gate.port };
    }
    const isBesideTcp = transport === 'tls' && transports.includes('tcp') && port !== 0;
    return {
      transport,
      host,
      port: isBesideTcp ? port + 1 : port,
      advertisedHost,
      ...(transport === 'tls' && listenerTls !== undefined ? { tls: listenerTls } : {}),
    };
  }

  get #started(): SipEndpoint {
    if (this.#endpoint === null) {
      throw new LabError('REC_ERR_LAB_STATE', 'the SRS is not running');
    }
    return this.#endpoint;
  }

  #onReceived(message: SipMessage, raw: Buffer): void {
    this.#messagesReceived += 1;
    this.#byCallId.get(message.headers.get('call-id') ?? '')?.noteReceived(raw);
  }

  #onRequest(incoming: IncomingRequest): void {
    const { request } = incoming;
    const behaviour =
      typeof this.#behaviour === 'function' ? this.#behaviour(request) : this.#behaviour;
    if (behaviour.silent === true) {
      incoming.isIgnored = true;
      this.#tell({ kind: 'turned-away', callId: callIdOf(request), status: null });
    } else if (request.method === 'OPTIONS') {
      this.#respond(incoming, 200);
    } else if (request.method !== 'INVITE') {
      this.#respond(incoming, 405);
    } else if (behaviour.refuseStatus !== undefined) {
      this.#turnAway(incoming, behaviour.refuseStatus, behaviour.refuseReason);
    } else if (this.#isFull || this.#isClosing) {
      this.#turnAway(incoming, 503);
    } else {
      this.#record(incoming, behaviour);
    }
  }

  get #isFull(): boolean {
    const open = this.#recordings.filter(({ state }) => state !== 'ended').length;
    return open >= (this.#options.maxSessions ?? DEFAULT_MAX_SESSIONS);
  }

  #record(incoming: IncomingRequest, behaviour: SrsBehaviour): void {
    const { clock, logger, rtcpIntervalMs, rtcpDueMs, maxFrames, onRtp } = this.#options;
    const callId = callIdOf(incoming.request);
    this.#count += 1;
    const folder = `${String(this.#count).padStart(4, '0')}-${callId.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 80)}`;
    let recording: Recording;
    try {
      recording = new Recording({
        number: this.#count,
        incoming,
        endpoint: this.#started,
        host: reachableHost(this.#options.host),
        store: new EvidenceStore(join(this.#options.outDir, folder), this.#options.evidence),
        behaviour,
        clock,
        logger,
        idleTimeoutMs: this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
        maxFrames: maxFrames ?? DEFAULT_MAX_FRAMES,
        ...(rtcpIntervalMs === undefined ? {} : { rtcpIntervalMs }),
        ...(rtcpDueMs === undefined ? {} : { rtcpDueMs }),
        ...(onRtp === undefined ? {} : { onRtp: packet => onRtp(recording, packet) }),
        connection: {
          stopReading: () => this.#gate?.stopReading(incoming.source.remotePort),
          break: () => this.#gate?.break(incoming.source.remotePort),
          vanish: () => this.#gate?.shut(),
        },
        onEvent: event => this.#onRecordingEvent(recording, event),
      });
    } catch (error) {
      // A full disk: the call must not hang for it.
      logger.error('a recording cannot be kept', { cause: errorMessage(error) });
      this.#turnAway(incoming, 500);
      return;
    }
    this.#byCallId.set(callId, recording);
    this.#recordings.push(recording);
    if (this.#recordings.length > (this.#options.maxRemembered ?? DEFAULT_MAX_REMEMBERED)) {
      const oldest = this.#recordings.findIndex(({ state }) => state === 'ended');
      this.#recordings.splice(Math.max(0, oldest), oldest < 0 ? 0 : 1);
    }
    recording.begin().catch(async (error: unknown) => {
      logger.warn('a recording session failed', { cause: errorMessage(error) });
      this.#respond(incoming, 500);
      await recording.end('failed');
    });
  }

  #onRecordingEvent(recording: Recording, event: RecordingEvent): void {
    if (event.kind === 'ended' && this.#byCallId.get(recording.callId) === recording) {
      this.#byCallId.delete(recording.callId);
    }
    this.#tell({ kind: 'recording', recording, event });
  }

  #turnAway(incoming: IncomingRequest, status: number, reason?: string): void {
    this.#respond(incoming, status, reason);
    this.#tell({ kind: 'turned-away', callId: callIdOf(incoming.request), status });
  }

  #respond(incoming: IncomingRequest, status: number, reason?: string): void {
    const { request, source, transaction } = incoming;
    const headers = HeaderList.of(
      ['Contact', `<${this.#started.uri('srs', source.transport)}>;+sip.srs`],
      ['Accept', ACCEPT],
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE'],
    );
    transaction.respond(
      makeResponse(request, status, {
        toTag: newTag(),
        headers,
        ...(reason === undefined ? {} : { reason }),
      }),
    );
  }

  #tell(event: SrsEvent): void {
    for (const listener of this.#listeners) {
      listener(event);
    }
    this.#waiters.check();
  }
}

/** Starts a recorder. @throws LabError `REC_ERR_LAB_BIND`, or the file system's error for `outDir`. */
export async function startReferenceSrs(options: ReferenceSrsOptions): Promise<ReferenceSrs> {
  const srs = new ReferenceSrs(options);
  await srs.start();
  return srs;
}

function callIdOf(request: SipRequest): string {
  return request.headers.get('call-id') ?? '';
}
