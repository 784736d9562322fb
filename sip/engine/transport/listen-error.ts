import { errorMessage } from '#core';
import { EngineError } from '../errors';
import { type ListenerOptions } from './types';

/** The error of a listener that could not be bound. */
export function listenError(options: ListenerOptions, cause: unknown): EngineError {
  return new EngineError(
    'REC_ERR_ENGINE_LISTEN',
    `cannot listen on ${options.transport} ${options.host} port ${options.port}: ${errorMessage(cause)}`,
    {
      cause,
      details: { transport: options.transport, host: options.host, port: options.port },
    },
  );
}
