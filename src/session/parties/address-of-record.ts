/**
 * The public name behind a SIP URI (RFC 3261 §6, "Address-of-Record"): without port, headers and every
 * parameter but `user=phone`. Other URIs (tel:) and what cannot be read stay as they are.
 */
export function addressOfRecord(uri: string): string {
  const match = /^(sips?):(?:([^@]*)@)?(\[[^\]]+\]|[^:;?]+)(?::\d+)?([^?]*)/i.exec(uri);
  if (match === null) {
    return uri;
  }
  const [, scheme = 'sip', user, host = '', parameters = ''] = match;
  const isPhone = /;user=phone(;|$)/i.test(parameters);
  return `${scheme.toLowerCase()}:${user === undefined ? '' : `${user}@`}${host}${isPhone ? ';user=phone' : ''}`;
}
