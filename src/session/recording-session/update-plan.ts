import { type DialectFlow } from '#metadata';

/** What the SRS has not been told yet. */
export interface Untold {
  /** Formats, protection or directions of the streams. */
  readonly streams: boolean;
  /** Facts of the metadata. */
  readonly facts: boolean;
  /** Everything, whatever it knows: it has asked for a snapshot (RFC 7866 §9.2). */
  readonly snapshot: boolean;
  /** The other party was blindly transferred: where the dialect tells it so, another call from now on. */
  readonly transfer: boolean;
  /** It has not got an earlier document, from which a partial one would count. Nothing to tell by itself. */
  readonly missed: boolean;
}

export const NOTHING_UNTOLD: Untold = {
  streams: false,
  facts: false,
  snapshot: false,
  transfer: false,
  missed: false,
};

/** One message to the SRS within its dialog: with SDP a re-INVITE, without it an UPDATE. */
export interface PlannedUpdate {
  readonly sdp: boolean;
  /** `changes`: what has changed; nothing is sent when nothing has. */
  readonly document: 'none' | 'complete' | 'changes';
}

/**
 * The next message, and what is still untold after it; null: nothing is to be told. A label means something only in a
 * message that carries the SDP which defines it (RFC 7866 §9.1): there new stream properties go with a complete document,
 * changed facts alone with a partial one. BroadWorks pauses, resumes and holds with SDP alone, and tells a blind transfer
 * with SDP alone and then with everything. Pure.
 */
export function nextUpdate(
  untold: Untold,
  flow: DialectFlow,
): { readonly update: PlannedUpdate; readonly left: Untold } | null {
  const { streams, facts, snapshot, transfer, missed } = untold;
  if (!streams && !facts && !snapshot && !transfer) {
    return null;
  }
  if (transfer && flow.transfer === 'sdp-only-then-complete-with-new-ids') {
    const left = { ...NOTHING_UNTOLD, snapshot: true, missed };
    return { update: { sdp: true, document: 'none' }, left };
  }
  if (snapshot || missed || (streams && flow.pause === 'sdp-and-metadata')) {
    return { update: { sdp: true, document: 'complete' }, left: NOTHING_UNTOLD };
  }
  if (streams) {
    // Who paused it, and when, follows in a document of its own.
    return { update: { sdp: true, document: 'none' }, left: { ...NOTHING_UNTOLD, facts: true } };
  }
  const namesLabels = flow.labelsNeedSdp && flow.updates === 'complete';
  return { update: { sdp: namesLabels, document: 'changes' }, left: NOTHING_UNTOLD };
}
