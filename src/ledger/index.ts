export { LedgerError, type LedgerErrorCode } from './errors';
export {
  createJsonlLedger,
  type JsonlLedgerOptions,
  type Ledger,
  type LedgerCounters,
} from './ledger';
export {
  type LedgerGap,
  type LedgerLine,
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
