import {
  type LegRole,
  type LocalEndpoint,
  otherRole,
  type PayloadFormat,
  type RemoteStream,
  LEG_ROLES,
} from '#core';
import { type DtmfHoldRule, type LegCounters, type MediaCall, type MediaLeg } from '#media';

import { type PartyActivity } from '../parties/party-description';

/** The media of both legs of a call, and what their peers have said about it. */
export class CallLegs {
  readonly #legs: Readonly<Record<LegRole, MediaLeg>>;
  readonly #remotes: Record<LegRole, RemoteStream | null> = { caller: null, callee: null };
  /** Packets that a leg had sent when it was found silent; null: it was not. */
  readonly #silentAt: Record<LegRole, number | null> = { caller: null, callee: null };

  private constructor(legs: Readonly<Record<LegRole, MediaLeg>>) {
    this.#legs = legs;
  }

  /** Opens a port pair per leg and joins them. @throws MediaError without ports or for an unknown network. */
  static async open(
    media: MediaCall,
    networks: Readonly<Record<LegRole, string>>,
  ): Promise<CallLegs> {
    const [caller, callee] = await Promise.all([
      media.openLeg({ legId: 'caller', network: networks.caller }),
      media.openLeg({ legId: 'callee', network: networks.callee }),
    ]);
    media.connect('caller', 'callee');
    return new CallLegs({ caller, callee });
  }

  local(role: LegRole): LocalEndpoint {
    return this.#legs[role].local;
  }

  setRemote(role: LegRole, stream: RemoteStream): void {
    this.#remotes[role] = stream;
    this.#silentAt[role] = null;
    this.#legs[role].setRemote(stream);
  }

  /** The payload formats that a party sends with. */
  formatsOf(role: LegRole): readonly PayloadFormat[] {
    return this.#remotes[role]?.formats ?? [];
  }

  /** What the peers have said about their streams so far. */
  get remotes(): readonly RemoteStream[] {
    return Object.values(this.#remotes).filter(stream => stream !== null);
  }

  /** A party that is held still sends, or still hears, only as its SDP and the other's say (RFC 3264 §8.4). */
  activityOf(role: LegRole): PartyActivity {
    const own = this.#remotes[role];
    const other = this.#remotes[otherRole(role)];
    return {
      sends: (own?.sends ?? true) && (other?.receives ?? true),
      receives: (own?.receives ?? true) && (other?.sends ?? true),
    };
  }

  /** No packet came from a leg for the media timeout. @returns whether all that should send are silent now. */
  noteTimeout(role: LegRole): boolean {
    this.#silentAt[role] = this.#legs[role].counters().packetsReceived;
    const expected = LEG_ROLES.filter(leg => this.#remotes[leg]?.sends === true);
    // A leg that has spoken since is not silent any more.
    return (
      expected.length > 0 &&
      expected.every(leg => this.#silentAt[leg] === this.#legs[leg].counters().packetsReceived)
    );
  }

  /** Key presses of a leg are held back as the rule says; null: not any more. */
  holdDtmf(role: LegRole, rule: DtmfHoldRule | null): void {
    this.#legs[role].holdDtmf(rule);
  }

  releaseDtmf(role: LegRole, action: 'relay' | 'drop'): void {
    this.#legs[role].releaseDtmf(action);
  }

  counters(): Readonly<Record<LegRole, LegCounters>> {
    return { caller: this.#legs.caller.counters(), callee: this.#legs.callee.counters() };
  }

  close(): void {
    this.#legs.caller.close();
    this.#legs.callee.close();
  }
}
