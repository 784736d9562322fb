/** Bounds on what a peer may make the parser hold. All sizes in bytes of the message as received. */
export interface MessageLimits {
  /** Whole message, head and body. */
  readonly messageBytes: number;
  /** Number of header lines (a folded header counts once). */
  readonly headerCount: number;
  /** One header with its continuation lines. */
  readonly headerLineBytes: number;
  /** Request-URI. */
  readonly uriBytes: number;
}

/** A UDP datagram cannot be larger, and no SIP message that we know of needs more. */
export const DEFAULT_MESSAGE_LIMITS: MessageLimits = {
  messageBytes: 65_535,
  headerCount: 200,
  headerLineBytes: 8192,
  uriBytes: 2048,
};
