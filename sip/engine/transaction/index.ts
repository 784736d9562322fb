export {
  type CancelOutcome,
  type TransactionEvents,
  TransactionLayer,
  type TransactionLayerOptions,
} from './transaction-layer';
export { type ClientHandlers, type ClientTransaction } from './client-transaction';
export { type ServerEnd, type ServerTransaction } from './server-transaction';
export { DEFAULT_TIMERS, patienceMs, type TimerValues } from './timers';
