/**
 * The states of one recording session (one SRS dialog at a time), as a table.
 *
 * ```text
 *  idle ── start ──▶ inviting ── accepted ──▶ established ◀── changeEnded ── updating
 *                     │   ▲                    │  │  └──── changeBegan ────────▲ │
 *            exhausted│   │retry               │  └─ dialogLost ──▶ lost ◀───────┘
 *                     ▼   │                    │ stop            │    │ stop
 *                    failed                    │                 │    │
 *                         ▲                    ▼        retry    │    ▼
 *                         │                  ending ── closed ──▶│─▶ ended
 *                     inviting ◀─────────────────────────────────┘
 * ```
 *
 * A stop while `inviting` does not abandon the attempt: what was said is in the ring, and it is delivered
 * once the SRS answers, within the time that the attempt has anyway.
 */
export const RECORDING_SESSION_STATES = [
  'idle',
  'inviting',
  'established',
  'updating',
  'lost',
  'ending',
  'ended',
  'failed',
] as const;
export type RecordingSessionState = (typeof RECORDING_SESSION_STATES)[number];

export const RECORDING_SESSION_EVENTS = [
  'start',
  'accepted',
  'exhausted',
  'retry',
  'changeBegan',
  'changeEnded',
  'dialogLost',
  'stop',
  'closed',
] as const;
export type RecordingSessionEvent = (typeof RECORDING_SESSION_EVENTS)[number];

/** What is missing here is ignored: it means nothing in that state. */
const TRANSITIONS: Readonly<
  Record<RecordingSessionState, Partial<Record<RecordingSessionEvent, RecordingSessionState>>>
> = {
  idle: { start: 'inviting', stop: 'ended' },
  inviting: { accepted: 'established', exhausted: 'failed' },
  established: { changeBegan: 'updating', dialogLost: 'lost', stop: 'ending' },
  updating: { changeEnded: 'established', dialogLost: 'lost', stop: 'ending' },
  lost: { retry: 'inviting', stop: 'ended' },
  ending: { closed: 'ended', dialogLost: 'ended' },
  ended: {},
  failed: { retry: 'inviting' },
};

/** The state after `event`; the same state when the event means nothing there. */
export function nextRecordingSessionState(
  state: RecordingSessionState,
  event: RecordingSessionEvent,
): RecordingSessionState {
  return TRANSITIONS[state][event] ?? state;
}
