import { type PeerCertificate } from 'node:tls';
import { checkSipIdentity } from '../../../../../sip/engine/transport/tls-identity';

function certificate(subjectaltname: string | undefined, CN = 'nobody'): PeerCertificate {
  return { subject: { CN }, ...(subjectaltname && { subjectaltname }) } as PeerCertificate;
}

const NAME = 'srs.example.com';

function isFor(name: string, cert: PeerCertificate, allowWildcards = false): boolean {
  return checkSipIdentity(name, cert, { allowWildcards }) === null;
}

describe('the identity of a SIP server (RFC 5922 §7)', () => {
  test.each<[string, string | undefined, boolean]>([
    ['its name', 'DNS:other.example.com, DNS:srs.example.com', true],
    ['its name in capitals', 'DNS:SRS.Example.com', true],
    ['its name as a sip URI', 'URI:sip:srs.example.com, DNS:other.example.com', true],
    ['another name', 'DNS:other.example.com', false],
    ['another sip URI, whatever DNS names say', 'URI:sip:example.org, DNS:srs.example.com', false],
    ['a user of the domain', 'URI:sip:me@srs.example.com', false],
    ['its address only', 'IP Address:192.0.2.1', false],
    ['the domain above', 'DNS:example.com', false],
    ['quoted text that says a name', 'URI:"http://x, URI:sip:srs.example.com, y"', false],
    ['a quoted DNS name', 'DNS:"srs.example.com, DNS:srs.example.com"', false],
  ])('a certificate with %s', (_, names, isGood) => {
    expect(isFor(NAME, certificate(names))).toBe(isGood);
  });

  test('the common name counts where there is no subjectAltName at all', () => {
    expect(isFor(NAME, certificate(undefined, NAME))).toBe(true);
    expect(isFor(NAME, certificate('DNS:other.example.com', NAME))).toBe(false);
  });

  test.each<[string, string | undefined, string]>([
    ['a DNS name', 'DNS:*.example.com', 'nobody'],
    ['the common name', undefined, '*.example.com'],
  ])('a wildcard in %s is refused unless it is allowed (§7.2)', (_, names, commonName) => {
    const cert = certificate(names, commonName);
    expect(checkSipIdentity(NAME, cert, { allowWildcards: false })?.message).toMatch(/wildcard/);
    expect(isFor(NAME, cert, true)).toBe(true);
    expect(isFor('a.b.example.com', cert, true)).toBe(false);
    expect(isFor('example.com', cert, true)).toBe(false);
  });

  test('a wildcard beside the name itself does no harm', () => {
    expect(isFor('srs.example.com.', certificate('DNS:*.example.com, DNS:srs.example.com.'))).toBe(
      true,
    );
  });

  test('an address is in the certificate as an address', () => {
    expect(isFor('192.0.2.1', certificate('IP Address:192.0.2.1, DNS:x.example.com'))).toBe(true);
    expect(isFor('192.0.2.1', certificate('DNS:192.0.2.1'))).toBe(false);
  });
});
