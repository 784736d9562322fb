/** Structured facts that go along with an error (never secrets). */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * Base of every error that this product throws on purpose. `code` is stable API: match on it, never on
 * the message.
 */
export class GatewayError extends Error {
  /** Stable identifier such as `REC_ERR_SIP_SRS_TIMEOUT`. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Narrows an unknown thrown value to a {@link GatewayError}. */
export function isGatewayError(value: unknown): value is GatewayError {
  return value instanceof GatewayError;
}

/** The message of anything that may have been thrown. */
export function errorMessage(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}
