import { type ErrorDetails, GatewayError } from '#core';

/** Every code that this folder throws. `docs/errors.md` explains each. */
export type SipErrorCode =
  /** Our own call to close(), or the caller's AbortSignal, ended the operation. */
  | 'REC_ERR_SIP_ABORTED'
  /** A peer's SDP breaks RFC 8866; details.line and details.text name the place. */
  | 'REC_ERR_SIP_BAD_SDP'
  /** A peer's SDP answer does not fit the offer (RFC 3264 §6). */
  | 'REC_ERR_SIP_BAD_ANSWER'
  /** An offer has no audio that can pass through us; details.reason is `srtp-only` or `no-audio`. */
  | 'REC_ERR_SIP_NOT_ANCHORABLE'
  /** A request carries a body of a type that is not understood; details.contentType. */
  | 'REC_ERR_SIP_UNSUPPORTED_BODY'
  /** A peer's multipart body breaks RFC 2046 or exceeds our bounds. */
  | 'REC_ERR_SIP_BAD_MULTIPART'
  /** A message would exceed what the SIP engine can take; details.document names it. */
  | 'REC_ERR_SIP_BODY_TOO_LARGE'
  /** The SIP engine is not connected, or its connection was lost. */
  | 'REC_ERR_SIP_ENGINE_LOST'
  /** The SIP engine cannot be reached or refuses our secret. */
  | 'REC_ERR_SIP_ENGINE_UNREACHABLE'
  /** The SIP engine did not take a message that we gave it; details.engine is what it says. */
  | 'REC_ERR_SIP_NOT_SENT'
  /** A request within a dialog has got no final response within its deadline. */
  | 'REC_ERR_SIP_TIMEOUT'
  /** The dialog has ended. */
  | 'REC_ERR_SIP_DIALOG_GONE'
  /** The SRS refused; details.status. */
  | 'REC_ERR_SIP_SRS_REFUSED'
  /** The SRS gave no final answer in time. */
  | 'REC_ERR_SIP_SRS_TIMEOUT'
  /** Nobody listens at the SRS's address, or it cannot be resolved. */
  | 'REC_ERR_SIP_SRS_UNREACHABLE'
  /** The SRS's answer cannot be used; the dialog was ended. */
  | 'REC_ERR_SIP_SRS_BAD_ANSWER';

/** An error of the SIP layer. Match on `code`. */
export class SipError extends GatewayError {
  declare readonly code: SipErrorCode;

  constructor(
    code: SipErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(code, message, options);
  }
}

/** Narrows an unknown thrown value to a {@link SipError}, of one code when given. */
export function isSipError(value: unknown, code?: SipErrorCode): value is SipError {
  return value instanceof SipError && (code === undefined || value.code === code);
}
