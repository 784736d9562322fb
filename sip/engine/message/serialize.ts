import { type SipMessage } from './message';

/**
 * Writes a message. Content-Length is always that of the body in bytes (RFC 3261 §20.14), whatever the
 * header list says; it stands last unless the list has a place for it.
 */
export function serializeMessage(message: SipMessage): Buffer {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  const length = String(message.body.length);
  let { headers } = message;
  const stated = headers.getAll('content-length');
  if (stated.length !== 1 || stated[0] !== length) {
    headers = headers.clone().set('Content-Length', length);
  }
  const head = Buffer.from(`${startLine}\r\n${headers.toString()}\r\n`, 'utf8');
  return message.body.length === 0 ? head : Buffer.concat([head, message.body]);
}
