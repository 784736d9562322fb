import { GatewayError, type LocalEndpoint, noopLogger, PCMA, PCMU } from '#core';
import { type MediaRecording, type RecordingReport } from '#media';
import { type DialectChoice, parseMetadata } from '#metadata';
import {
  type ProbeResult,
  type RecordingDialog,
  type RecordingDialogEvents,
  type RecordingInvite,
  RFC7866_PROFILE,
  type SrsClient,
  type SrsStreamAnswer,
} from '#sip';

import { noopMetrics } from '../../../../src/observability';
import { newSharedMetadataIds } from '../../../../src/session/parties/party-description';
import { RecordingMetadata } from '../../../../src/session/recording/recording-metadata';
import {
  type RecordingFacts,
  RecordingSession,
} from '../../../../src/session/recording-session/recording-session';
import { type FailoverSettings } from '../../../../src/session/settings';
import { SrsHealth } from '../../../../src/session/srs/srs-health';
import { ManualClock } from '../../../support/manual-clock';
import { userPolicy } from '../../../support/user-policy';

export const FORMATS = [[PCMU], [PCMA]];
export const FAILOVER: FailoverSettings = {
  maxResponseWaitMs: 900,
  optionsIntervalMs: 3_000,
  optionsDeadlineMs: 2_000,
  rtcpSilenceMs: 20_000,
  overlapMs: 2_000,
};
export const DRAIN_MS = 700;
export const T0 = 1_000_000;

export type Update = Parameters<RecordingDialog['update']>[0];

export function endpoint(port: number): LocalEndpoint {
  return { rtp: { host: '192.0.2.1', port }, rtcp: { host: '192.0.2.1', port: port + 1 } };
}

export function answer(port: number, receives = true): SrsStreamAnswer {
  return {
    rtp: { host: '192.0.2.9', port },
    rtcp: null,
    rtcpMux: false,
    sends: false,
    receives,
    formats: [PCMU],
  };
}

export const ANSWERS = [answer(7000), answer(7002)];

/** A promise that the test settles. */
export class Deferred<T> {
  resolve: (value: T) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** One INVITE that the fake SRS has got and not answered yet. */
export class PendingInvite {
  readonly answered = new Deferred<RecordingDialog>();
  readonly updates: Update[] = [];
  readonly pendingUpdates: Deferred<readonly SrsStreamAnswer[]>[] = [];
  /** Answers to the next OPTIONS; then yes. */
  readonly probes: ProbeResult[] = [];
  readonly byes: Parameters<RecordingDialog['bye']>[0][] = [];

  constructor(
    readonly invite: RecordingInvite,
    readonly events: RecordingDialogEvents,
    readonly signal: AbortSignal,
    readonly log: string[],
  ) {
    signal.addEventListener('abort', () => this.refuse('REC_ERR_SIP_ABORTED'));
  }

  accept(streams: readonly SrsStreamAnswer[] = ANSWERS): void {
    this.answered.resolve({
      sipCallId: 'srs-call-1',
      streams,
      update: change => {
        this.log.push('update');
        this.updates.push(change);
        const pending = new Deferred<readonly SrsStreamAnswer[]>();
        this.pendingUpdates.push(pending);
        return pending.promise;
      },
      peer: { transport: 'tcp', host: '192.0.2.9', port: 5060 },
      probe: () => Promise.resolve(this.probes.shift() ?? 'alive'),
      bye: options => {
        this.log.push('bye');
        this.byes.push(options);
        return Promise.resolve();
      },
    });
  }

  refuse(code: string, status?: number): void {
    this.answered.reject(
      new GatewayError(code, 'no', status === undefined ? {} : { details: { status } }),
    );
  }
}

export class FakeSrsClient implements SrsClient {
  readonly invites: PendingInvite[] = [];
  constructor(readonly log: string[]) {}

  invite(
    invite: RecordingInvite,
    events: RecordingDialogEvents,
    signal: AbortSignal,
  ): Promise<RecordingDialog> {
    this.log.push(`invite ${invite.srsUri}`);
    const pending = new PendingInvite(invite, events, signal, this.log);
    this.invites.push(pending);
    return pending.answered.promise;
  }

  ping(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

export class FakeMedia implements MediaRecording {
  readonly recordingId = 'r1';
  readonly streams = [
    { label: '1', local: endpoint(5000), ssrc: 1, cname: 'a' },
    { label: '2', local: endpoint(5002), ssrc: 2, cname: 'b' },
  ];
  readonly remotes: (readonly SrsStreamAnswer[])[] = [];
  readonly drains: number[] = [];
  /** When set, close() waits for it. */
  closing: Deferred<RecordingReport> | null = null;
  /** An address that the media plane refuses. */
  badHost: string | null = null;
  gateError: Error | null = null;
  closeError: Error | null = null;

  constructor(readonly log: string[]) {}

  setGate(open: boolean, { fillsSilence = false } = {}): Promise<number> {
    this.log.push(open ? 'gate open' : fillsSilence ? 'gate silent' : 'gate shut');
    return this.gateError === null ? Promise.resolve(0) : Promise.reject(this.gateError);
  }

  readonly rewinds: number[] = [];
  /** What the rings still hold, from when on. */
  oldestMs: number | null = null;

  rewind(fromMs: number): Promise<number | null> {
    this.log.push('rewind');
    this.rewinds.push(fromMs);
    return Promise.resolve(this.oldestMs);
  }

  checkRemotes(remotes: readonly SrsStreamAnswer[]): void {
    if (remotes.some(remote => remote?.rtp?.host === this.badHost)) {
      throw new Error('no address');
    }
  }

  setRemotes(remotes: readonly SrsStreamAnswer[]): void {
    this.log.push('remotes');
    this.checkRemotes(remotes);
    this.remotes.push(remotes);
  }

  setRules(): void {
    throw new Error('what is captured is not the business of a session');
  }

  setSource(): void {
    throw new Error('a session never changes the source of a stream');
  }

  /** When the last receiver report of each stream came. */
  reportedAtMs: readonly number[] = [];

  report(): RecordingReport {
    return {
      streams: this.reportedAtMs.map((lastReceiverReportAtMs, index) => ({
        label: String(index + 1),
        packetsCaptured: 1,
        packetsSent: 1,
        bytesSent: 172,
        packetsOverflowed: 0,
        packetsUnaccepted: 0,
        packetsTranscoded: 0,
        packetsOfSilence: 0,
        sentPayloadType: null,
        packetsReplayed: 0,
        packetsPending: 0,
        firstPacketAtMs: T0,
        lastPacketAtMs: lastReceiverReportAtMs,
        lastReceiverReport: null,
        lastReceiverReportAtMs,
      })),
    };
  }

  close({ drainMs }: { drainMs: number }): Promise<RecordingReport> {
    this.log.push('close');
    this.drains.push(drainMs);
    if (this.closeError !== null) {
      return Promise.reject(this.closeError);
    }
    return this.closing?.promise ?? Promise.resolve(this.report());
  }
}

export interface Bench {
  readonly log: string[];
  readonly clock: ManualClock;
  readonly media: FakeMedia;
  readonly srs: FakeSrsClient;
  readonly metadata: RecordingMetadata;
  readonly session: RecordingSession;
  readonly finished: readonly RecordingFacts[];
  readonly invite: (index?: number) => PendingInvite;
  readonly failures: readonly string[];
  readonly setupsS: readonly number[];
  readonly changes: readonly string[];
}

export function bench(
  options: {
    targets?: readonly string[];
    metadataInBye?: boolean;
    dialect?: DialectChoice;
    updates?: 'complete';
    isHeld?: (streamIndex: number) => boolean;
    pause?: 'inactive' | 'silence';
  } = {},
): Bench {
  const log: string[] = [];
  const clock = new ManualClock();
  clock.advance(T0);
  const media = new FakeMedia(log);
  const srs = new FakeSrsClient(log);
  const failures: string[] = [];
  const setupsS: number[] = [];
  let lastId = 0;
  const ids = {
    uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}`,
  };
  const metadata = new RecordingMetadata({
    shared: newSharedMetadataIds(ids),
    recordedRole: 'caller',
    parties: {
      caller: { aor: 'sip:alice@example.com', displayName: 'Alice' },
      callee: { aor: 'sip:bob@example.com', displayName: 'Bob' },
    },
    sipSessionId: null,
    ids,
    ...(options.dialect === undefined ? {} : { dialect: options.dialect }),
    ...(options.updates === undefined ? {} : { updates: options.updates }),
  });
  metadata.begin(T0);
  if (options.dialect?.name === 'broadworks') {
    metadata.setRecordingProperties({
      mode: 'always',
      serviceProvider: 'WBV1',
      externalGroup: 'WBV1L1',
      externalIdentifier: 'u1@1.int10.bcld.example.com',
    });
  }
  const changes: string[] = [];
  const session = new RecordingSession({
    decision: {
      role: 'caller',
      user: userPolicy('alice', { organisationId: 'acme', providerId: 'p1' }),
      identity: 'sip:alice@example.com',
      identifiedBy: 'From',
      providerId: 'p1',
      mode: 'always',
    },
    provider: {
      providerId: 'p1',
      targets: (options.targets ?? ['sip:srs1', 'sip:srs2']).map((uri, priority) => ({
        uri,
        priority,
        weight: 1,
      })),
      failover: FAILOVER,
      profile: RFC7866_PROFILE,
      answerTimeoutMs: 4321,
      network: 'default',
      metadataInBye: options.metadataInBye ?? true,
      ...(options.pause === undefined ? {} : { pause: options.pause }),
    },
    srcUri: 'sip:src@example.com',
    drainMs: DRAIN_MS,
    ...(options.isHeld === undefined ? {} : { isHeld: options.isHeld }),
    media,
    metadata,
    srsClient: srs,
    health: new SrsHealth({ clock, ping: () => Promise.resolve(true) }),
    changed: change => changes.push(change),
    metrics: {
      ...noopMetrics,
      srsFailure: (provider, reason) => failures.push(`${provider}: ${reason}`),
      observeSrsSetup: (_provider, seconds) => setupsS.push(seconds),
    },
    clock,
    logger: noopLogger,
  });
  const finished: RecordingFacts[] = [];
  void session.finished.then(facts => finished.push(facts));
  const invite = (index = 0): PendingInvite => {
    const pending = srs.invites[index];
    if (pending === undefined) {
      throw new Error(`no INVITE number ${index}`);
    }
    return pending;
  };
  return {
    log,
    clock,
    media,
    srs,
    metadata,
    session,
    finished,
    invite,
    failures,
    setupsS,
    changes,
  };
}

/** Lets everything run that waits for nothing but the event loop. */
export function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

export async function establishedBench(
  options: Parameters<typeof bench>[0] & { answers?: readonly SrsStreamAnswer[] } = {},
): Promise<Bench> {
  const made = bench(options);
  made.session.setDesired('recording', FORMATS);
  made.invite().accept(options.answers);
  await settled();
  expect(made.session.state).toBe('established');
  return made;
}

export function dataMode(xml: string | undefined): string {
  const { document, deviations } = parseMetadata(xml ?? '');
  expect(deviations).toEqual([]);
  return document.kind === 'recording' ? document.dataMode : document.kind;
}
