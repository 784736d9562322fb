import { type IdSource, type LegRole, otherRole } from '#core';
import { unfold } from './name-addr';
import { type MessageLike } from './srf-types';

/** RFC 7989 §5: stands for a UUID that is not known yet. */
const NIL = '0'.repeat(32);

/** The sender's UUID in a Session-ID value (RFC 7989 §5, RFC 7329 §5); null when there is none. */
export function readSessionUuid(value: string | undefined): string | null {
  const uuid =
    /^\s*([0-9a-f]{32})\s*(?:;|$)/i.exec(unfold(value ?? ''))?.[1]?.toLowerCase() ?? null;
  return uuid === NIL ? null : uuid;
}

/** A UUID as Session-ID writes it. */
export function newSessionUuid(ids: IdSource): string {
  return ids.uuid().replaceAll('-', '').toLowerCase();
}

/**
 * The end-to-end Session-ID of a call (RFC 7989): each party has a UUID, and every message to a party names the other one's
 * first. For a party that has none we make one up (§7), and keep to it until the party names its own.
 */
export class SessionIds {
  readonly #ids: IdSource;
  readonly #uuids: Record<LegRole, string | null>;

  /** @param caller its UUID, its own or made up */
  constructor(ids: IdSource, caller: string | null) {
    this.#ids = ids;
    this.#uuids = { caller, callee: null };
  }

  /** What a party says about itself in a message. */
  learn(role: LegRole, message: MessageLike): void {
    this.#uuids[role] = readSessionUuid(message.get('session-id')) ?? this.#uuids[role];
  }

  /** Another party is in the place of one. */
  replaced(role: LegRole, message: MessageLike): void {
    this.#uuids[role] = readSessionUuid(message.get('session-id'));
  }

  /** Somebody else is tried in the place of a party. */
  forget(role: LegRole): void {
    this.#uuids[role] = null;
  }

  /** The header of every message to a party, in the name of the other one. */
  toward(role: LegRole): Record<string, string> {
    return { 'session-id': this.#value(role, this.#uuids[role]) };
  }

  /** As {@link toward}, to somebody who is to take the place of a party. */
  towardNewcomer(role: LegRole): Record<string, string> {
    return { 'session-id': this.#value(role, null) };
  }

  #value(role: LegRole, remote: string | null): string {
    const other = otherRole(role);
    const local = (this.#uuids[other] ??= newSessionUuid(this.#ids));
    return `${local};remote=${remote ?? NIL}`;
  }
}
