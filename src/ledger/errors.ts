import { GatewayError } from '#core';

/** Every code that the ledger throws; stable API. */
export type LedgerErrorCode =
  /** The file cannot be opened for appending. */
  | 'REC_ERR_LEDGER_UNWRITABLE'
  /** A record could not be written before the ledger was closed. */
  | 'REC_ERR_LEDGER_WRITE'
  /** Too many records wait to be written. */
  | 'REC_ERR_LEDGER_QUEUE_FULL'
  /** The ledger is closed. */
  | 'REC_ERR_LEDGER_CLOSED'
  /** A ledger, or a file to compare it with, cannot be read. */
  | 'REC_ERR_LEDGER_UNREADABLE';

export class LedgerError extends GatewayError {
  declare readonly code: LedgerErrorCode;

  constructor(
    code: LedgerErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(code, message, options);
  }
}
