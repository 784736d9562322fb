import { createPrivateKey, X509Certificate } from 'node:crypto';

import { systemClock } from '#core';

import { LabCa } from '../../../../src/lab';

describe('a laboratory CA', () => {
  const ca = new LabCa('Laboratory', systemClock);
  const issued = ca.issue('recorder', ['127.0.0.1', 'srs.example.com']);
  const certificate = new X509Certificate(issued.cert);

  test('signs its own certificate, which is that of a CA', () => {
    const own = new X509Certificate(ca.cert);
    expect(own.ca).toBe(true);
    expect(own.verify(own.publicKey)).toBe(true);
    expect(own.subject).toBe('CN=Laboratory');
  });

  test('issues certificates for names and addresses, with a key that fits', () => {
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe('CN=recorder');
    expect(certificate.subjectAltName).toBe('IP Address:127.0.0.1, DNS:srs.example.com');
    expect(certificate.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
    expect(certificate.checkHost('srs.example.com')).toBe('srs.example.com');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
  });

  test('vouches for what it has issued, and for nothing else', () => {
    const other = new X509Certificate(new LabCa('Laboratory', systemClock).cert);
    expect(certificate.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(certificate.verify(other.publicKey)).toBe(false);
  });
});
