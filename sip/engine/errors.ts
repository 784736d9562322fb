import { GatewayError } from '#core';

/** Codes of the engine's own failures. */
export type EngineErrorCode =
  | 'REC_ERR_ENGINE_LISTEN'
  | 'REC_ERR_ENGINE_NO_TRANSPORT'
  | 'REC_ERR_ENGINE_RESOLVE'
  | 'REC_ERR_ENGINE_SEND'
  | 'REC_ERR_ENGINE_CLOSED'
  | 'REC_ERR_ENGINE_LIMIT'
  | 'REC_ERR_ENGINE_WORKER';

/** What goes wrong below the SIP application. */
export class EngineError extends GatewayError {
  constructor(
    code: EngineErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(code, message, options);
  }
}
