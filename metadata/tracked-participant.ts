import {
  NONE,
  type Participant,
  type ParticipantSessionAssociation,
  type ParticipantStreamAssociation,
} from './model';
import { shorten } from './shorten';
import { type MetadataId } from './unique-id';

/** How a participant is known. */
export interface ParticipantIdentity {
  /** A SIP, SIPS or tel URI; `sip:anonymous@anonymous.invalid` (RFC 3323 §4.1.1.3) for the unknown. */
  readonly aor: string;
  /** Display name. */
  readonly name: string | null;
}

/** A peer writes both; a document must stay small enough to be sent. */
const MAX_NAME_CHARACTERS = 256;
const MAX_AOR_CHARACTERS = 1024;

/** What a tracker knows of one participant. Times are milliseconds since the epoch. */
export class TrackedParticipant {
  readonly participantId: MetadataId;
  #aor = '';
  #name: string | null = null;
  #joinedAtMs: number;
  #leftAtMs: number | null = null;
  #send: readonly MetadataId[] = [];
  #recv: readonly MetadataId[] = [];
  #sendingSinceMs: number | null = null;
  #sendingUntilMs: number | null = null;

  constructor(participantId: MetadataId, atMs: number, identity: ParticipantIdentity) {
    this.participantId = participantId;
    this.#joinedAtMs = atMs;
    this.rename(identity);
  }

  /** null while present. */
  get leftAtMs(): number | null {
    return this.#leftAtMs;
  }

  rename({ aor, name }: ParticipantIdentity): void {
    this.#aor = shorten(aor, MAX_AOR_CHARACTERS);
    this.#name = name === null ? null : shorten(name, MAX_NAME_CHARACTERS);
  }

  joinAgain(atMs: number, identity: ParticipantIdentity): void {
    this.rename(identity);
    this.#joinedAtMs = atMs;
    this.#leftAtMs = null;
  }

  /** Leaves with the whole session: what it sent and received stays told. */
  leaveWithSession(atMs: number): void {
    this.#leftAtMs ??= atMs;
  }

  /** Leaves a session that goes on. */
  leave(atMs: number): void {
    if (this.#leftAtMs === null) {
      this.sendTo(atMs, []);
      this.receiveFrom([]);
      this.#leftAtMs = atMs;
    }
  }

  /** RFC 7865 §6.8.1: the times tell when it began and stopped to contribute. */
  sendTo(atMs: number, streamIds: readonly MetadataId[]): void {
    if (this.#send.length === 0 && streamIds.length > 0) {
      this.#sendingSinceMs = atMs;
      this.#sendingUntilMs = null;
    } else if (this.#send.length > 0 && streamIds.length === 0) {
      this.#sendingUntilMs = atMs;
    }
    this.#send = [...streamIds];
  }

  receiveFrom(streamIds: readonly MetadataId[]): void {
    this.#recv = [...streamIds];
  }

  forgetStream(atMs: number, streamId: MetadataId): void {
    this.sendTo(
      atMs,
      this.#send.filter(id => id !== streamId),
    );
    this.receiveFrom(this.#recv.filter(id => id !== streamId));
  }

  /** The same participant under another id, on the same streams under theirs. */
  withIds(participantId: MetadataId, newIdOf: (id: MetadataId) => MetadataId): TrackedParticipant {
    const identity = { aor: this.#aor, name: this.#name };
    const renewed = new TrackedParticipant(participantId, this.#joinedAtMs, identity);
    renewed.#leftAtMs = this.#leftAtMs;
    renewed.#send = this.#send.map(newIdOf);
    renewed.#recv = this.#recv.map(newIdOf);
    renewed.#sendingSinceMs = this.#sendingSinceMs;
    renewed.#sendingUntilMs = this.#sendingUntilMs;
    return renewed;
  }

  toParticipant(): Participant {
    return {
      participantId: this.participantId,
      nameIds: [{ aor: this.#aor, name: this.#name, language: null }],
      extensions: NONE,
    };
  }

  toSessionAssociation(sessionId: MetadataId): ParticipantSessionAssociation {
    return {
      participantId: this.participantId,
      sessionId,
      associateTimeMs: this.#joinedAtMs,
      disassociateTimeMs: this.#leftAtMs,
      params: NONE,
      extensions: NONE,
    };
  }

  toStreamAssociation(): ParticipantStreamAssociation {
    return {
      participantId: this.participantId,
      send: this.#send,
      recv: this.#recv,
      associateTimeMs: this.#sendingSinceMs,
      disassociateTimeMs: this.#sendingUntilMs,
      extensions: NONE,
    };
  }
}
