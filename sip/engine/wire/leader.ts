/** The first line of the frames that the engine sends, token by token. */

/** `HH:MM:SS.uuuuuu`, UTC. */
export function timeOfDay(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(11, 23)}000`;
}

/** What is said about a message beside the message. */
export interface MessageMeta {
  readonly bytes: number;
  /** `udp`, `tcp`, or empty. */
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  readonly time: string;
  readonly txnId: string;
  readonly dialogId: string;
}

/**
 * A message for the application. A new request outside of dialogs also tells the address that it came
 * in on, which makes 13 tokens; everything else has 11.
 */
export function messageLeader(
  source: 'network' | 'application',
  meta: MessageMeta,
  receivedOn: { readonly address: string; readonly port: number } | null,
): string {
  const tail = receivedOn === null ? '' : `${receivedOn.address}|${receivedOn.port}|`;
  const { bytes, protocol, address, port, time, txnId, dialogId } = meta;
  return `sip|${source}|${bytes}|${protocol}|${address}|${port}|${time}|${txnId}|${dialogId}|${tail}`;
}

/** The echo of a request: the message itself follows. */
export function requestEcho(requestId: string, meta: Omit<MessageMeta, 'dialogId'>): string {
  const { bytes, protocol, address, port, time, txnId } = meta;
  return `response|${requestId}|OK|application|${bytes}|${protocol}|${address}|${port}|${time}|${txnId}|Msg sent:|`;
}

/** The echo of a response: the message itself follows. */
export function responseEcho(requestId: string, meta: MessageMeta): string {
  const { bytes, protocol, address, port, time, txnId, dialogId } = meta;
  return `response|${requestId}|OK|application|${bytes}|${protocol}|${address}|${port}|${time}|${txnId}|${dialogId}||Msg sent:|`;
}
