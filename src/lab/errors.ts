import { GatewayError } from '#core';

/** Stable codes of the lab's errors. */
export type LabErrorCode =
  /** A WAV file is damaged, or of a kind that the lab does not read. */
  | 'REC_ERR_LAB_BAD_WAV'
  /** A metadata file that cannot be read or understood. */
  | 'REC_ERR_LAB_BAD_FILE'
  /** No address or port to listen on. */
  | 'REC_ERR_LAB_BIND'
  /** The peer's SDP cannot be used. */
  | 'REC_ERR_LAB_BAD_SDP'
  /** The peer refused; `details.status` and `details.reason` say how. */
  | 'REC_ERR_LAB_REFUSED'
  /** The peer did not answer, or something awaited did not happen in time. */
  | 'REC_ERR_LAB_TIMEOUT'
  /** The peer could not be reached, or its connection broke. */
  | 'REC_ERR_LAB_UNREACHABLE'
  /** The call, phone or recorder has ended or cannot do this in its present state. */
  | 'REC_ERR_LAB_STATE'
  /** An option that makes no sense. */
  | 'REC_ERR_LAB_BAD_OPTION';

/** Every error that the lab throws on purpose. */
export class LabError extends GatewayError {
  declare readonly code: LabErrorCode;

  constructor(
    code: LabErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(code, message, options);
  }
}
