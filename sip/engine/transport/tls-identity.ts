import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a certificate belongs to the SIP domain `name` (RFC 5922 §7.1, §7.2): a `sip:` URI of it in the
 * subjectAltName, else a DNS name, else (no subjectAltName at all) the common name; for an IP literal its
 * address.
 * @param options.allowWildcards a leading `*.` of a DNS name stands for one label, which RFC 5922 §7.2 forbids
 * @returns null: it does; otherwise what is wrong
 */
export function checkSipIdentity(
  name: string,
  certificate: PeerCertificate,
  { allowWildcards }: { readonly allowWildcards: boolean },
): Error | null {
  const host = withoutDot(name);
  if (isIP(host) !== 0) {
    return checkServerIdentity(host, certificate) ?? null;
  }
  const entries = altNames(certificate.subjectaltname);
  const domains = sipDomains(entries);
  if (domains.length > 0) {
    return domains.includes(host)
      ? null
      : new Error(`the certificate is for ${domains.slice(0, 5).join(', ')}, not for ${host}`);
  }
  const error = checkServerIdentity(host, certificate) ?? null;
  if (error === null && !allowWildcards && !exactNames(entries, certificate).includes(host)) {
    return new Error(`the certificate is for ${host} by a wildcard only (RFC 5922 §7.2)`);
  }
  return error;
}

/** The entries of a subjectAltName as Node.js prints it: one with a comma or a quote in it is quoted, and stays so. */
function altNames(subjectAltName: string | undefined): string[] {
  return (subjectAltName?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map(entry => entry.trim());
}

/** The domains of the `sip:` URIs; a URI with a user names somebody, not a domain. */
function sipDomains(entries: readonly string[]): string[] {
  return entries
    .map(entry => /^URI:sip:([^@;?:"]+)$/i.exec(entry)?.[1]?.toLowerCase())
    .filter(domain => domain !== undefined);
}

/** The DNS names, else the common names. */
function exactNames(entries: readonly string[], { subject }: PeerCertificate): string[] {
  const names = entries
    .map(entry => /^DNS:([^"]+)$/i.exec(entry)?.[1])
    .filter(name => name !== undefined);
  // The types of Node.js know neither a certificate without a subject nor one with several common names.
  const { CN = [] } = (subject as { CN?: string | string[] } | undefined) ?? {};
  return (names.length > 0 ? names : [CN].flat()).map(withoutDot);
}

function withoutDot(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
