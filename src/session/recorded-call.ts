import {
  errorMessage,
  type LegRole,
  type LocalEndpoint,
  type Logger,
  type NetworkKind,
  type RemoteStream,
} from '#core';
import { type MediaCall } from '#media';
import { newMetadataId } from '#metadata';
import {
  type AnswerFacts,
  type CallDelegate,
  type CallEnd,
  type IncomingCall,
  type InfoFacts,
  type InfoVerdict,
  type NameAddr,
  type ProgressFacts,
} from '#sip';

import { combinedOutcome, identityClaims, type IdentitySource, identifyUser } from '../policy';
import { addressOfRecord } from './address-of-record';
import { CallLegs } from './call-legs';
import { CallRecordings } from './call-recordings';
import { callSummary } from './call-summary';
import { type CallDeps } from './deps';
import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type PartyView,
} from './live-view';
import {
  newSharedMetadataIds,
  type PartyDescription,
  type SharedMetadataIds,
} from './recording-metadata';
import { type RouteSettings, type TrunkSettings } from './settings';

/**
 * One call through the gateway, recorded or not. It is the delegate of the SIP call, owns its media, asks policy who
 * shall be recorded and leaves the rest to {@link CallRecordings}.
 */
export class RecordedCall implements CallDelegate {
  /** Resolves when the call is over and its recordings are closed and in the ledger. Never rejects. */
  readonly finished: Promise<void>;
  readonly #finish: () => void;
  readonly #call: IncomingCall;
  readonly #deps: CallDeps;
  readonly #logger: Logger;
  readonly #trunk: TrunkSettings;
  readonly #route: RouteSettings;
  readonly #shared: SharedMetadataIds;
  /** Who the parties are now. */
  readonly #parties: Record<LegRole, PartyDescription>;
  readonly #arrivedAtMs: number;
  readonly #arrivedMonotonicMs: number;
  #media: MediaCall | null = null;
  #legs: CallLegs | null = null;
  #recordings: CallRecordings | null = null;
  #answeredAtMs: number | null = null;
  #endedAtMs: number | null = null;
  #isAnchored = true;

  constructor(call: IncomingCall, trunk: TrunkSettings, route: RouteSettings, deps: CallDeps) {
    this.#call = call;
    this.#deps = deps;
    this.#trunk = trunk;
    this.#route = route;
    this.#logger = deps.logger.child({ callId: call.id });
    this.#shared = newSharedMetadataIds(deps.ids);
    this.#parties = partiesOf(call, trunk);
    this.#arrivedAtMs = deps.clock.wallNowMs();
    this.#arrivedMonotonicMs = deps.clock.monotonicMs();
    let finish: () => void = () => undefined;
    this.finished = new Promise(resolve => {
      finish = resolve;
    });
    this.#finish = finish;
  }

  /** Opens the media and rings the callee. Never throws. */
  async begin(): Promise<void> {
    this.#deps.metrics.callStarted();
    try {
      await this.#openMedia();
    } catch (error) {
      this.#logger.error('no media for the call', { error: errorMessage(error) });
      this.#call.reject(503, { reason: 'No Media', headers: { 'Retry-After': '5' } });
      await this.#media?.close();
      this.#deps.metrics.callEnded('failed');
      this.#finish();
      return;
    }
    this.#deps.metrics.observeCallSetup(
      (this.#deps.clock.monotonicMs() - this.#arrivedMonotonicMs) / 1000,
    );
    this.#call.connect(
      {
        targets: this.#route.targets,
        srtpOnly: this.#deps.settings.srtpOnly,
        calleeTrusted: this.#route.trusted,
        callerTrusted: this.#trunk.trusted,
      },
      this,
    );
  }

  hangUp(status: number, text: string): Promise<void> {
    return this.#call.hangUp({ status, text });
  }

  control(request: ControlRequest): ControlAnswer {
    const outcomes = this.#recordings?.control(request, 'api') ?? [];
    return { outcome: combinedOutcome(outcomes) };
  }

  watchLevels(on: boolean): void {
    this.#media?.watchLevels(on);
  }

  view(): CallView {
    const levels = this.#media?.levels() ?? [];
    const party = (role: LegRole, kind: NetworkKind): PartyView => ({
      ...this.#parties[role],
      kind,
      userId: this.#deps.settings.findUser(this.#parties[role].aor)?.userId ?? null,
      levelDbfs: levels.find(({ legId }) => legId === role)?.dbfs ?? null,
    });
    return {
      callId: this.#call.id,
      sipCallId: this.#call.invite.sipCallId,
      state:
        this.#endedAtMs !== null ? 'ending' : this.#answeredAtMs === null ? 'ringing' : 'answered',
      arrivedAtMs: this.#arrivedAtMs,
      answeredAtMs: this.#answeredAtMs,
      trunkId: this.#trunk.trunkId,
      routeId: this.#route.routeId,
      isAnchored: this.#isAnchored,
      parties: {
        caller: party('caller', this.#trunk.kind),
        callee: party('callee', this.#route.kind),
      },
      recordings: this.#recordings?.views() ?? [],
    };
  }

  // -------------------------------------------------------------------------------------------------
  // CallDelegate

  openLeg(role: LegRole): Promise<LocalEndpoint> {
    return this.#legs === null
      ? Promise.reject(new Error(`leg ${role} has no media`))
      : Promise.resolve(this.#legs.local(role));
  }

  remoteStream(role: LegRole, stream: RemoteStream): void {
    this.#legs?.setRemote(role, stream);
    if (this.#answeredAtMs !== null) {
      this.#recordings?.streamsChanged(this.#deps.clock.wallNowMs());
    }
  }

  notAnchored(reason: string): void {
    this.#isAnchored = false;
    this.#recordings?.fail('not-anchored');
    this.#logger.error('call passes without media through the gateway and is not recorded', {
      reason,
      recordings: this.#recordings?.count ?? 0,
    });
  }

  progressed(facts: ProgressFacts): void {
    this.#logger.debug('call progress', { status: facts.status, earlyMedia: facts.hasMedia });
  }

  answering(facts: AnswerFacts): void {
    const atMs = this.#deps.clock.wallNowMs();
    this.#answeredAtMs = atMs;
    this.#recordings?.answered(atMs);
    // The 200 of a trusted side may tell that the callee is another user than the one who was called.
    if (this.#route.trusted && this.#recordings?.isPlannedFor('callee') === false) {
      this.#recordLate('callee', facts.assertedIdentities, 'P-Asserted-Identity of the 200');
    }
    this.#logger.info('call answered', {
      recordings: this.#recordings?.count ?? 0,
      ringMs: atMs - this.#arrivedAtMs,
    });
  }

  infoReceived(_role: LegRole, _info: InfoFacts): InfoVerdict {
    return 'relay';
  }

  /** A leg's peer is somebody else now: its own switch has transferred it, or another phone has picked up. */
  identityChanged(role: LegRole, identities: readonly NameAddr[]): void {
    const isTrusted = role === 'caller' ? this.#trunk.trusted : this.#route.trusted;
    const [identity] = identities;
    if (!isTrusted || identity === undefined || this.#endedAtMs !== null) {
      return;
    }
    const aor = addressOfRecord(identity.uri);
    if (aor === this.#parties[role].aor) {
      return;
    }
    this.#parties[role] = { aor, displayName: identity.displayName };
    this.#shared.participantIds[role] = newMetadataId(this.#deps.ids);
    this.#logger.info('party replaced', { leg: role });
    if (this.#answeredAtMs !== null) {
      this.#recordings?.partyReplaced(role, this.#deps.clock.wallNowMs());
      this.#recordLate(role, identities, 'P-Asserted-Identity');
    }
  }

  ending(): void {
    this.#stopRecordings();
  }

  ended(end: CallEnd): void {
    this.#stopRecordings();
    void this.#conclude(end);
  }

  // -------------------------------------------------------------------------------------------------

  async #openMedia(): Promise<void> {
    const media = this.#deps.media.openCall(
      { callId: this.#call.id },
      {
        legTimedOut: legId => this.#legTimedOut(legId as LegRole),
        intruderSeen: (legId, source) =>
          this.#logger.warn('rtp from a foreign source refused', { leg: legId, source }),
        recordingUnreachable: (recordingId, label) => {
          this.#logger.error('recorder does not listen for rtp', { recordingId, label });
          this.#recordings?.markUnreachable(recordingId, label);
        },
        mediaLost: cause => this.#mediaLost(cause),
      },
    );
    this.#media = media;
    const networks = { caller: this.#trunk.network, callee: this.#route.network };
    const legs = await CallLegs.open(media, networks);
    this.#legs = legs;
    this.#recordings = new CallRecordings({
      call: this.#call,
      media,
      legs,
      parties: this.#parties,
      shared: this.#shared,
      deps: this.#deps,
      logger: this.#logger,
    });
    await this.#planRecordings(this.#recordings);
  }

  async #planRecordings(recordings: CallRecordings): Promise<void> {
    const { invite } = this.#call;
    const identities = {
      requestUri: invite.requestUri,
      from: invite.from.uri,
      assertedIdentities: invite.assertedIdentities.map(identity => identity.uri),
      remotePartyId: invite.remotePartyId?.uri ?? null,
    };
    const plans: Promise<void>[] = [];
    for (const role of ['caller', 'callee'] as const) {
      const claims = identityClaims(role, identities, this.#trunk.trusted);
      const identified = identifyUser(role, claims, this.#deps.settings.findUser);
      if (identified !== null) {
        plans.push(recordings.plan(identified));
      }
    }
    await Promise.all(plans);
  }

  /** Somebody has come into the answered call who may have to be recorded. */
  #recordLate(role: LegRole, identities: readonly NameAddr[], source: IdentitySource): void {
    const claims = identities.map(({ uri }) => ({ uri, source }));
    const identified = identifyUser(role, claims, this.#deps.settings.findUser);
    if (identified !== null) {
      this.#recordings?.beginLate(identified);
    }
  }

  #legTimedOut(role: LegRole): void {
    this.#logger.warn('no rtp from a leg that should send', { leg: role });
    const isSilent = this.#legs?.noteTimeout(role) ?? false;
    if (isSilent && this.#deps.settings.hangUpOnMediaTimeout) {
      void this.hangUp(408, 'Media timeout');
    }
  }

  #mediaLost(cause: string): void {
    this.#logger.error('media lost', { cause });
    this.#recordings?.fail('media-lost');
    void this.hangUp(500, 'media-lost');
  }

  /** The talk is over: the gates shut now, whatever the dialogs still have to say to each other. */
  #stopRecordings(): void {
    if (this.#endedAtMs === null) {
      this.#endedAtMs = this.#deps.clock.wallNowMs();
      this.#recordings?.stop(this.#endedAtMs);
    }
  }

  async #conclude(end: CallEnd): Promise<void> {
    const endedAtMs = this.#endedAtMs ?? this.#deps.clock.wallNowMs();
    const answeredAtMs = this.#answeredAtMs;
    const counters = this.#legs?.counters() ?? null;
    this.#legs?.close();
    const recordings =
      (await this.#recordings?.conclude({
        end,
        answeredAtMs,
        endedAtMs,
        isAnchored: this.#isAnchored,
      })) ?? [];
    await this.#media?.close();
    this.#deps.metrics.callEnded(
      end.answered ? 'answered' : end.cause === 'cancel' ? 'cancelled' : 'rejected',
    );
    this.#logger.info(
      'call ended',
      callSummary({
        end,
        arrivedAtMs: this.#arrivedAtMs,
        answeredAtMs,
        endedAtMs,
        isAnchored: this.#isAnchored,
        trunkId: this.#trunk.trunkId,
        routeId: this.#route.routeId,
        counters,
        recordings,
      }),
    );
    this.#finish();
  }
}

/** Who the parties are when the call arrives. */
function partiesOf(
  { invite }: IncomingCall,
  trunk: TrunkSettings,
): Record<LegRole, PartyDescription> {
  const asserted = trunk.trusted ? invite.assertedIdentities[0] : undefined;
  return {
    caller: {
      aor: addressOfRecord(asserted?.uri ?? invite.from.uri),
      displayName: asserted?.displayName ?? invite.from.displayName,
    },
    callee: {
      aor: addressOfRecord(invite.requestUri),
      displayName: invite.to.displayName,
    },
  };
}
