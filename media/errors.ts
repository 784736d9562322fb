import { type ErrorDetails, GatewayError } from '#core';

/** Stable codes of everything that the media plane throws on purpose. */
export type MediaErrorCode =
  /** The plane, call, leg or recording was closed before. */
  | 'REC_ERR_MEDIA_CLOSED'
  /** No free port pair is left in the configured range. */
  | 'REC_ERR_MEDIA_NO_PORTS'
  | 'REC_ERR_MEDIA_UNKNOWN_NETWORK'
  | 'REC_ERR_MEDIA_UNKNOWN_LEG'
  | 'REC_ERR_MEDIA_UNKNOWN_STREAM'
  /** An identifier that is already in use within the call. */
  | 'REC_ERR_MEDIA_DUPLICATE'
  /** A remote host that is no IP literal, or a port beyond 1–65535. */
  | 'REC_ERR_MEDIA_BAD_ADDRESS'
  /** A master key that is not as long as its SRTP suite says. */
  | 'REC_ERR_MEDIA_BAD_KEY'
  /** Options of the plane that make no sense. */
  | 'REC_ERR_MEDIA_OPTIONS'
  /** A notice that cannot be played: unknown prompt, or a sound that makes no sense. */
  | 'REC_ERR_MEDIA_NOTICE'
  /** A prompt's file that cannot be used. */
  | 'REC_ERR_MEDIA_BAD_PROMPT'
  /** The requested packet I/O does not work on this machine. */
  | 'REC_ERR_MEDIA_BACKEND'
  /** The operating system refused a socket for another reason than a busy port. */
  | 'REC_ERR_MEDIA_SOCKET'
  /** The worker died. */
  | 'REC_ERR_MEDIA_LOST';

/** An error of the media plane. */
export class MediaError extends GatewayError {
  declare readonly code: MediaErrorCode;

  constructor(
    code: MediaErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(code, message, options);
  }
}
