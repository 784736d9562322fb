import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a certificate belongs to the SIP domain `name` (RFC 5922 §7.1, §7.2): a `sip:` URI of it in the
 * subjectAltName, else a DNS name, else (no subjectAltName at all) the common name; for an IP literal its
 * address. Unlike RFC 5922 a leading `*.` stands for one label, because recorders in clouds have no other
 * certificates.
 * @returns null: it does; otherwise what is wrong
 */
export function checkSipIdentity(name: string, certificate: PeerCertificate): Error | null {
  const host = name.toLowerCase().replace(/\.$/, '');
  if (isIP(host) === 0) {
    const domains = sipDomains(certificate.subjectaltname);
    if (domains.length > 0) {
      return domains.includes(host)
        ? null
        : new Error(`the certificate is for ${domains.slice(0, 5).join(', ')}, not for ${host}`);
    }
  }
  return checkServerIdentity(host, certificate) ?? null;
}

/** The domains of the `sip:` URIs in a subjectAltName; a URI with a user names somebody, not a domain. */
function sipDomains(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? '')
    .split(/, ?/)
    .map(entry => /^URI:sip:([^@;?:]+)$/i.exec(entry)?.[1]?.toLowerCase())
    .filter(domain => domain !== undefined);
}
