export { LedgerError, type LedgerErrorCode } from './errors';
export { type ChainHead } from './chain';
export { type LedgerLocation, locateLedgers } from './locate';
export { beganWithin, readRecords, type TimeRange } from './read-records';
export { reconcile, type Reconciliation, type ReconcileOptions, wasDelivered } from './reconcile';
export { readRecorderCsv, RECORDER_COLUMNS, type RecorderRow } from './recorder-csv';
export { type LedgerReport, lostMs, ReportBuilder, type ReportRow, VERDICTS } from './report';
export { type BrokenLine, type LedgerProof, verifyLedger } from './verify';
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
  type LedgerParticipants,
  type LedgerRecord,
  type LedgerStream,
  type SrsAttemptRecord,
  type SrsLoss,
  type SrsLossCause,
  type Verdict,
  type VerdictReason,
} from './record';
export {
  decideVerdict,
  SECURITY,
  ESTABLISHED,
  type StreamFacts,
  type VerdictDecision,
  type VerdictFacts,
} from './verdict';
