export { LedgerError, type LedgerErrorCode } from './errors';
export { type ChainHead } from './chain';
export {
  type Ledger,
  type LedgerCounters,
  type LedgerEntry,
  type LedgerOptions,
  openLedger,
} from './ledger';
export {
  type ChainFields,
  type LedgerControl,
  type LedgerGap,
  type LedgerInterval,
  type LedgerLine,
  type LedgerNotice,
  type LedgerRecord,
  type LedgerStream,
  type SrsAttemptRecord,
  type Verdict,
  type VerdictReason,
} from './record';
export {
  decideVerdict,
  ESTABLISHED,
  type StreamFacts,
  type VerdictDecision,
  type VerdictFacts,
} from './verdict';
