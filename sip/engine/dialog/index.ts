export { Acceptance } from './acceptance';
export { Dialog, type DialogRequest } from './dialog';
export { DialogTable } from './dialog-table';
export { addressBy, type Addressing } from './route-set';
export { isBehindNat, targetOf } from './target';
export {
  addOption,
  answerSessionExpires,
  formatSessionExpires,
  hasOption,
  readMinSe,
  readSessionExpires,
  type SessionExpires,
  SMALLEST_INTERVAL_S,
} from './session-interval';
export { type SessionInterval, SessionTimer } from './session-timer';
