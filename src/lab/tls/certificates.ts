import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

import { type Clock } from '#core';

import {
  bitString,
  boolean,
  context,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  utcTime,
  utf8String,
} from './der';

/** A certificate and its private key, as PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const OID = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;
const VERSION_3 = Buffer.from([2]);
const SUBJECT_ALT_DNS = 2;
const SUBJECT_ALT_IP = 7;
const HOUR_MS = 3_600_000;
/** Long enough for any demonstration. */
const LIFETIME_MS = 30 * 24 * HOUR_MS;

/**
 * A certificate authority for laboratory use: P-256 keys, X.509 version 3 (RFC 5280), made anew each time and kept nowhere.
 * Not for operation: there is no revocation, and the keys are as safe as the process.
 */
export class LabCa {
  /** Its own certificate, PEM. */
  readonly cert: string;
  readonly #name: string;
  readonly #privateKey: KeyObject;
  readonly #clock: Clock;

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
    const { privateKey, publicKey } = newKeys();
    this.#privateKey = privateKey;
    this.cert = this.#certificate(name, publicKey, [
      [OID.basicConstraints, sequence(boolean(true))],
    ]);
  }

  /** @param names host names and IPv4 addresses that the certificate is for. */
  issue(commonName: string, names: readonly string[]): Certificate {
    const { privateKey, publicKey } = newKeys();
    const subjectAltName = sequence(...names.map(generalName));
    return {
      cert: this.#certificate(commonName, publicKey, [[OID.subjectAltName, subjectAltName]]),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  #certificate(
    subject: string,
    publicKey: KeyObject,
    extensions: readonly (readonly [oid: string, value: Buffer])[],
  ): string {
    const nowMs = this.#clock.wallNowMs();
    const algorithm = sequence(objectId(OID.ecdsaWithSha256));
    const toBeSigned = sequence(
      context(0, integer(VERSION_3), true),
      integer(serialNumber()),
      algorithm,
      nameOf(this.#name),
      sequence(utcTime(nowMs - HOUR_MS), utcTime(nowMs + LIFETIME_MS)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      context(3, sequence(...extensions.map(extension)), true),
    );
    const signature = sign('sha256', toBeSigned, { key: this.#privateKey, dsaEncoding: 'der' });
    return pem(sequence(toBeSigned, algorithm, bitString(signature)));
  }
}

function newKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** Positive, and without a leading zero byte. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(objectId(OID.commonName), utf8String(commonName))));
}

function generalName(name: string): Buffer {
  return isIPv4(name)
    ? context(SUBJECT_ALT_IP, Buffer.from(name.split('.').map(Number)), false)
    : context(SUBJECT_ALT_DNS, Buffer.from(name, 'latin1'), false);
}

/** `basicConstraints` is critical (RFC 5280 §4.2.1.9). */
function extension([oid, value]: readonly [oid: string, value: Buffer]): Buffer {
  const critical = oid === OID.basicConstraints ? [boolean(true)] : [];
  return sequence(objectId(oid), ...critical, octetString(value));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
