import { type MachineTable } from './machine';

export type ServerState =
  'trying' | 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';

export type ServerEvent =
  /** A retransmission of the request. */
  | 'request'
  | 'ack'
  | 'respond-1xx'
  | 'respond-2xx'
  /** 300–699. */
  | 'respond-failure'
  /** G. */
  | 'timer-retransmit'
  /** H. */
  | 'timer-timeout'
  /** I, J or L. */
  | 'timer-linger'
  | 'transport-error';

export type ServerAction =
  /** The newest response; nothing if there is none. */
  | 'send'
  | 'deliver-ack'
  | 'start-retransmit'
  | 'stop-retransmit'
  | 'start-timeout'
  | 'stop-timeout'
  /** I: T4 on UDP, none on TCP. */
  | 'start-linger-i'
  /** J: 64*T1 on UDP, none on TCP. */
  | 'start-linger-j'
  /** L: 64*T1 on every transport (RFC 6026 §7.1). */
  | 'start-linger-l'
  | 'tell-timeout'
  | 'tell-transport-error';

export type ServerTable = MachineTable<ServerState, ServerEvent, ServerAction>;

const DEAD = {
  request: null,
  ack: null,
  'respond-1xx': null,
  'respond-2xx': null,
  'respond-failure': null,
  'timer-retransmit': null,
  'timer-timeout': null,
  'timer-linger': null,
  'transport-error': null,
} as const;

/**
 * INVITE server transaction, RFC 3261 §17.2.1 (figure 7) with the Accepted state of RFC 6026 §7.1.
 *
 * ```text
 * proceeding ──2xx──▶ accepted ──L──▶ terminated   (2xx are retransmitted by the user of the layer)
 *     └──300–699──▶ completed ──ACK──▶ confirmed ──I──▶ terminated
 *                       └──H (no ACK)──▶ terminated
 * ```
 */
export const INVITE_SERVER: ServerTable = {
  trying: DEAD,
  proceeding: {
    request: { to: 'proceeding', run: ['send'] },
    ack: null,
    'respond-1xx': { to: 'proceeding', run: ['send'] },
    'respond-2xx': { to: 'accepted', run: ['send', 'start-linger-l'] },
    'respond-failure': { to: 'completed', run: ['send', 'start-retransmit', 'start-timeout'] },
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': null,
    // A provisional response that got lost may be followed by one that does not.
    'transport-error': null,
  },
  accepted: {
    request: null,
    // Its own transaction by the RFC; some peers reuse the branch of the INVITE.
    ack: { to: 'accepted', run: ['deliver-ack'] },
    'respond-1xx': null,
    'respond-2xx': { to: 'accepted', run: ['send'] },
    'respond-failure': null,
    'timer-retransmit': null,
    'timer-timeout': null,
    'timer-linger': { to: 'terminated', run: [] },
    'transport-error': { to: 'accepted', run: ['tell-transport-error'] },
  },
  completed: {
    request: { to: 'completed', run: ['send'] },
    ack: { to: 'confirmed', run: ['stop-retransmit', 'stop-timeout', 'start-linger-i'] },
    'respond-1xx': null,
    'respond-2xx': null,
    'respond-failure': null,
    'timer-retransmit': { to: 'completed', run: ['send', 'start-retransmit'] },
    'timer-timeout': { to: 'terminated', run: ['tell-timeout'] },
    'timer-linger': null,
    'transport-error': { to: 'terminated', run: ['tell-transport-error'] },
  },
  confirmed: {
    ...DEAD,
    'timer-linger': { to: 'terminated', run: [] },
  },
  terminated: DEAD,
};

const FINAL = { to: 'completed', run: ['send', 'start-linger-j'] } as const;

/** Non-INVITE server transaction, RFC 3261 §17.2.2 (figure 8). */
export const NON_INVITE_SERVER: ServerTable = {
  trying: {
    ...DEAD,
    'respond-1xx': { to: 'proceeding', run: ['send'] },
    'respond-2xx': FINAL,
    'respond-failure': FINAL,
  },
  proceeding: {
    ...DEAD,
    request: { to: 'proceeding', run: ['send'] },
    'respond-1xx': { to: 'proceeding', run: ['send'] },
    'respond-2xx': FINAL,
    'respond-failure': FINAL,
    'transport-error': { to: 'terminated', run: ['tell-transport-error'] },
  },
  accepted: DEAD,
  completed: {
    ...DEAD,
    request: { to: 'completed', run: ['send'] },
    'timer-linger': { to: 'terminated', run: [] },
    'transport-error': { to: 'terminated', run: ['tell-transport-error'] },
  },
  confirmed: DEAD,
  terminated: DEAD,
};
