/**
 * Our Contact URI for a request to some next hop. The engine replaces `localhost` by its own address; the transport
 * has to be said, or the peer would answer over UDP what it got over TCP (RFC 3261 §19.1.1, §8.1.1.8).
 */
export function localContactUri(user: string | null, nextHop: string): string {
  const transport = /;transport=(tcp|tls)\b/i.exec(nextHop)?.[1]?.toLowerCase();
  // A drachtio-server replaces the host only where a user stands before it.
  const userPart = user === null || user === '' ? 'gateway' : user;
  return `sip:${userPart}@localhost${transport === undefined ? '' : `;transport=${transport}`}`;
}
