import {
  type LegRole,
  type LocalEndpoint,
  noopLogger,
  randomIds,
  type RemoteStream,
  systemClock,
} from '#core';
import {
  type AnswerFacts,
  type CallDelegate,
  type CallEnd,
  type CallPlan,
  type CallTimeouts,
  createSipStack,
  type IncomingCall,
  type InfoFacts,
  type InfoVerdict,
  type NameAddr,
  type PagerMessage,
  type PartyFacts,
  type ProgressFacts,
  type RecordPreference,
  type SipStack,
} from '#sip';
import { RawDialog, type RawMessage, RawSipPeer } from './raw-sip-peer';
import { type EngineUnderTest, startEngineUnderTest } from './sip-engine-under-test';
import { waitUntil } from './wait-until';

/** Remembers what a call tells. */
export class RecordingDelegate implements CallDelegate {
  readonly streams: { role: LegRole; stream: RemoteStream }[] = [];
  readonly progress: ProgressFacts[] = [];
  readonly infos: { role: LegRole; info: InfoFacts }[] = [];
  readonly identities: { role: LegRole; uris: string[] }[] = [];
  readonly replaced: { role: LegRole; party: PartyFacts }[] = [];
  /** Where every REFER leads to. */
  transferTargets: CallPlan['targets'] | null = null;
  readonly ends: CallEnd[] = [];
  readonly log: string[] = [];
  readonly preferences: { role: LegRole; preference: RecordPreference }[] = [];
  readonly notStripped: LegRole[] = [];
  /** Runs when the callee has answered, right before the caller is told. */
  whenAnswering: () => void = () => undefined;
  whenPreferred: (role: LegRole, preference: RecordPreference) => void = () => undefined;
  whenPreConnected: () => Promise<void> = () => Promise.resolve();
  unanchored: string | null = null;
  answer: AnswerFacts | null = null;
  infoVerdict: InfoVerdict | Promise<InfoVerdict> = 'relay';
  openLegFails = false;

  openLeg(role: LegRole): Promise<LocalEndpoint> {
    this.log.push(`openLeg ${role}`);
    return this.openLegFails ? Promise.reject(new Error('no ports')) : Promise.resolve(LOCAL[role]);
  }

  remoteStream(role: LegRole, stream: RemoteStream): void {
    this.log.push(`remoteStream ${role}`);
    this.streams.push({ role, stream });
  }

  notAnchored(reason: string): void {
    this.unanchored = reason;
  }

  progressed(facts: ProgressFacts): void {
    this.progress.push(facts);
  }

  answering(facts: AnswerFacts): void {
    this.log.push('answering');
    this.answer = facts;
    this.whenAnswering();
  }

  recordPreference(role: LegRole, preference: RecordPreference): void {
    this.preferences.push({ role, preference });
    this.whenPreferred(role, preference);
  }

  codecsNotStripped(role: LegRole): void {
    this.notStripped.push(role);
  }

  preConnect(): Promise<void> {
    this.log.push('preConnect');
    return this.whenPreConnected();
  }

  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict | Promise<InfoVerdict> {
    this.infos.push({ role, info });
    return this.infoVerdict;
  }

  identityChanged(role: LegRole, identities: readonly NameAddr[]): void {
    this.identities.push({ role, uris: identities.map(each => each.uri) });
  }

  resolveTransfer(): CallPlan['targets'] | null {
    return this.transferTargets;
  }

  partyReplaced(role: LegRole, party: PartyFacts): void {
    this.replaced.push({ role, party });
  }

  ending(): void {
    this.log.push('ending');
  }

  ended(end: CallEnd): void {
    this.log.push('ended');
    this.ends.push(end);
  }

  /** What the peer of `role` was said to do last. */
  lastStream(role: LegRole): RemoteStream | undefined {
    return this.streams.findLast(each => each.role === role)?.stream;
  }
}

/** Our media addresses: packets for the caller's leg arrive at 40000, for the callee's at 50000. */
export const LOCAL: Readonly<Record<LegRole, LocalEndpoint>> = {
  caller: {
    rtp: { host: '127.0.0.1', port: 40_000 },
    rtcp: { host: '127.0.0.1', port: 40_001 },
  },
  callee: {
    rtp: { host: '127.0.0.1', port: 50_000 },
    rtcp: { host: '127.0.0.1', port: 50_001 },
  },
};

export function sdp(
  port: number,
  options: { lines?: string[]; version?: number; host?: string } = {},
): string {
  const host = options.host ?? '127.0.0.1';
  return [
    'v=0',
    `o=peer 1234 ${options.version ?? 1} IN IP4 127.0.0.1`,
    's=call',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 8 101`,
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    ...(options.lines ?? []),
    '',
  ].join('\r\n');
}

/** The port of the first audio m-line. */
export function audioPort(body: string): number {
  return Number(/m=audio (\d+)/.exec(body)?.[1]);
}

/** A gateway on the engine under test, with a caller and callees that tests drive by hand. */
export class B2buaBench {
  readonly delegates: RecordingDelegate[] = [];
  readonly incoming: IncomingCall[] = [];
  readonly peers: RawSipPeer[] = [];
  plan: Partial<CallPlan> = {};
  targets: CallPlan['targets'][number][] = [];
  /** What happens to a new call; by default it is connected to `targets`. */
  onCall: (call: IncomingCall) => void = call => this.connect(call);
  nextDelegate: RecordingDelegate | null = null;
  /** What happens to a MESSAGE outside of a dialog; by default it is relayed to `targets`, trusted on both sides. */
  onMessage: (message: PagerMessage) => void = message =>
    message.relay({ targets: this.targets, senderTrusted: true, receiverTrusted: true });

  private constructor(
    readonly engine: EngineUnderTest,
    readonly stack: SipStack,
  ) {
    stack.gateway.onCall(call => {
      this.incoming.push(call);
      this.onCall(call);
    });
    stack.gateway.onMessage(message => this.onMessage(message));
  }

  static async start(
    timeouts: Partial<CallTimeouts> = {},
    load: { maxCalls?: number; maxNewCallsPerSecond?: number } = {},
  ): Promise<B2buaBench> {
    const engine = await startEngineUnderTest();
    const stack = createSipStack({
      engine,
      clock: systemClock,
      logger: noopLogger,
      ids: randomIds,
      timeouts,
      ...load,
    });
    await stack.connect();
    return new B2buaBench(engine, stack);
  }

  connect(call: IncomingCall): RecordingDelegate {
    const delegate = this.nextDelegate ?? new RecordingDelegate();
    this.nextDelegate = null;
    this.delegates.push(delegate);
    const plan: CallPlan = {
      targets: this.targets,
      srtpOnly: 'reject',
      calleeTrusted: true,
      ...this.plan,
    };
    call.connect(plan, delegate);
    return delegate;
  }

  get delegate(): RecordingDelegate {
    const last = this.delegates.at(-1);
    if (last === undefined) {
      throw new Error('no call has come');
    }
    return last;
  }

  async peer(name: string): Promise<RawSipPeer> {
    const peer = await RawSipPeer.open(name);
    this.peers.push(peer);
    return peer;
  }

  addTarget(peer: RawSipPeer, answerTimeoutMs = 3_000, transport = ''): void {
    this.targets.push({ requestUri: `${peer.uri}${transport}`, nextHop: null, answerTimeoutMs });
  }

  dialFrom(caller: RawSipPeer, user = 'bob'): RawDialog {
    return new RawDialog(caller, this.engine.sipPort, {
      remoteUri: `sip:${user}@127.0.0.1:${this.engine.sipPort}`,
    });
  }

  /** A call that is answered and acknowledged on both sides. */
  async established(
    options: { calling?: Record<string, string>; answering?: Record<string, string> } = {},
  ): Promise<EstablishedCall> {
    const caller = await this.peer('alice');
    const callee = await this.peer('bob');
    this.addTarget(callee);
    const a = this.dialFrom(caller);
    a.invite({ body: sdp(10_000), headers: options.calling ?? {} });
    const invite = await callee.request('INVITE');
    callee.reply(invite, '180 Ringing');
    a.learn(await caller.response(180, 'INVITE'));
    const b = RawDialog.ofInvite(callee, this.engine.sipPort, invite);
    callee.reply(invite, '200 OK', {
      body: sdp(20_000),
      headers: {
        Allow: 'INVITE, ACK, BYE, CANCEL, INFO, UPDATE, OPTIONS',
        ...options.answering,
      },
    });
    const ok = await caller.response(200, 'INVITE');
    a.acknowledge(ok);
    await callee.request('ACK');
    return { caller, callee, a, b, invite, ok, delegate: this.delegate };
  }

  /** Waits until no call is left. */
  async settleCalls(): Promise<void> {
    await waitUntil(() => this.stack.gateway.counters().calls === 0, 'no call is left', 8_000);
  }

  /** After each test: every call has ended once, nothing is left open anywhere. */
  async settle(): Promise<void> {
    await waitUntil(
      () => {
        const { calls, pendingRequests, dialogs } = this.stack.gateway.counters();
        return calls === 0 && pendingRequests === 0 && dialogs === 0;
      },
      'the gateway holds no call, request or dialog',
      8_000,
    );
    for (const delegate of this.delegates) {
      if (delegate.ends.length !== 1 || delegate.log.at(-1) !== 'ended') {
        throw new Error(`ended was told ${delegate.ends.length} times: ${delegate.log.join(', ')}`);
      }
    }
    await this.engine.expectIdle();
    await Promise.all(this.peers.map(async peer => peer.close()));
    this.peers.length = 0;
    this.delegates.length = 0;
    this.incoming.length = 0;
    this.targets = [];
    this.plan = {};
    this.onCall = call => this.connect(call);
  }

  async close(): Promise<void> {
    await this.stack.close();
    await this.engine.close();
  }
}

export interface EstablishedCall {
  readonly caller: RawSipPeer;
  readonly callee: RawSipPeer;
  /** The caller's dialog. */
  readonly a: RawDialog;
  /** The callee's dialog. */
  readonly b: RawDialog;
  readonly invite: RawMessage;
  readonly ok: RawMessage;
  readonly delegate: RecordingDelegate;
}

/** `from` ends the call; both BYEs are answered. */
export async function hangUp(
  call: EstablishedCall,
  from: 'caller' | 'callee' = 'caller',
): Promise<void> {
  const [mine, other, dialog] =
    from === 'caller' ? [call.caller, call.callee, call.a] : [call.callee, call.caller, call.b];
  dialog.send('BYE');
  await mine.response(200, 'BYE');
  other.reply(await other.request('BYE'), '200 OK');
}
