import { type MachineTable } from './machine';

export type ClientState =
  'calling' | 'trying' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export type ClientEvent =
  | 'response-1xx'
  | 'response-2xx'
  /** 300–699. */
  | 'response-failure'
  /** A or E. */
  | 'timer-retransmit'
  /** B or F. */
  | 'timer-timeout'
  /** D, K or M. */
  | 'timer-linger'
  | 'transport-error';

export type ClientAction =
  | 'send'
  | 'send-ack'
  | 'deliver'
  | 'start-retransmit'
  /** At T2 from now on: timer E in Proceeding. */
  | 'slow-retransmit'
  | 'stop-retransmit'
  | 'start-timeout'
  | 'stop-timeout'
  /** D: 64*T1 on UDP, none on TCP. */
  | 'start-linger-d'
  /** M: 64*T1 on every transport (RFC 6026 §7.2). */
  | 'start-linger-m'
  /** K: T4 on UDP, none on TCP. */
  | 'start-linger-k'
  | 'tell-timeout'
  | 'tell-transport-error';

export type ClientTable = MachineTable<ClientState, ClientEvent, ClientAction>;

/** What a new transaction does first. */
export const CLIENT_START: readonly ClientAction[] = ['send', 'start-retransmit', 'start-timeout'];

const DEAD = {
  'response-1xx': null,
  'response-2xx': null,
  'response-failure': null,
  'timer-retransmit': null,
  'timer-timeout': null,
  'timer-linger': null,
  'transport-error': null,
} as const;

const STOP_TIMERS = ['stop-retransmit', 'stop-timeout'] as const;

/**
 * INVITE client transaction, RFC 3261 §17.1.1 (figure 5) with the Accepted state of RFC 6026 §7.2.
 *
 * ```text
 * calling ──1xx──▶ proceeding ──2xx──▶ accepted ──M──▶ terminated
 *    │ 2xx ─────────────────────────────▲  (every 2xx is delivered)
 *    │ 300–699 / ACK      │ 300–699 / ACK
 *    └──────────▶ completed ◀───────────┘ ──D──▶ terminated
 * ```
 */
export const INVITE_CLIENT: ClientTable = {
  calling: {
    'response-1xx': { to: 'proceeding', run: ['deliver', ...STOP_TIMERS] },
    'response-2xx': { to: 'accepted', run: ['deliver', ...STOP_TIMERS, 'start-linger-m'] },
    'response-failure': {
      to: 'completed',
      run: ['send-ack', 'deliver', ...STOP_TIMERS, 'start-linger-d'],
    },
    'timer-retransmit': { to: 'calling', run: ['send', 'start-retransmit'] },
    'timer-timeout': { to: 'terminated', run: ['tell-timeout'] },
    'timer-linger': null,
    'transport-error': { to: 'terminated', run: ['tell-transport-error'] },
  },
  trying: DEAD,
  proceeding: {
    'response-1xx': { to: 'proceeding', run: ['deliver'] },
    'response-2xx': { to: 'accepted', run: ['deliver', 'start-linger-m'] },
    'response-failure': { to: 'completed', run: ['send-ack', 'deliver', 'start-linger-d'] },
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': null,
    'transport-error': { to: 'terminated', run: ['tell-transport-error'] },
  },
  completed: {
    'response-1xx': null,
    'response-2xx': null,
    // The peer did not get our ACK (§17.1.1.2).
    'response-failure': { to: 'completed', run: ['send-ack'] },
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': { to: 'terminated', run: [] },
    // The user has its final response; that the ACK was lost changes nothing for it.
    'transport-error': { to: 'terminated', run: [] },
  },
  accepted: {
    'response-1xx': null,
    // Retransmissions, and the 2xx of other branches of a fork.
    'response-2xx': { to: 'accepted', run: ['deliver'] },
    'response-failure': null,
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': { to: 'terminated', run: [] },
    'transport-error': null,
  },
  terminated: DEAD,
};

const FINAL = { to: 'completed', run: ['deliver', ...STOP_TIMERS, 'start-linger-k'] } as const;
const NO_ANSWER = { to: 'terminated', run: ['tell-timeout'] } as const;
const NOT_SENT = { to: 'terminated', run: ['tell-transport-error'] } as const;

/** Non-INVITE client transaction, RFC 3261 §17.1.2 (figure 6). */
export const NON_INVITE_CLIENT: ClientTable = {
  calling: DEAD,
  trying: {
    'response-1xx': { to: 'proceeding', run: ['deliver', 'slow-retransmit'] },
    'response-2xx': FINAL,
    'response-failure': FINAL,
    'timer-retransmit': { to: 'trying', run: ['send', 'start-retransmit'] },
    'timer-timeout': NO_ANSWER,
    'timer-linger': null,
    'transport-error': NOT_SENT,
  },
  proceeding: {
    'response-1xx': { to: 'proceeding', run: ['deliver'] },
    'response-2xx': FINAL,
    'response-failure': FINAL,
    'timer-retransmit': { to: 'proceeding', run: ['send', 'slow-retransmit'] },
    'timer-timeout': NO_ANSWER,
    'timer-linger': null,
    'transport-error': NOT_SENT,
  },
  completed: {
    'response-1xx': null,
    'response-2xx': null,
    'response-failure': null,
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': { to: 'terminated', run: [] },
    'transport-error': null,
  },
  accepted: DEAD,
  terminated: DEAD,
};
