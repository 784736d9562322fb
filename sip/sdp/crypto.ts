import { randomBytes } from 'node:crypto';
import { SRTP_SUITES, type SrtpKey, type SrtpSuite, type StreamCrypto } from '#core';
import { SipError } from '../errors';
import { attributeName, type MediaDescription } from './session-description';

/** One usable `a=crypto` line (RFC 4568 §9.1). */
export interface CryptoLine {
  /** 1–999999999; names the line in the answer. */
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** What its writer protects with. */
  readonly key: SrtpKey;
}

/** More than suites times sensible variants; a peer that writes more is not read to the end. */
const MAX_LINES = 32;
const LINE = /^(\d{1,9}) +([A-Za-z0-9_]+) +(\S+)(?: +(\S.*))?$/;
const KEY = /^inline:([A-Za-z0-9+/]+={0,2})(?:\|([^|]*))?(?:\|([^|]*))?$/i;
const LIFETIME = /^(?:2\^\d{1,2}|[1-9]\d{0,14})$/;
const MKI = /^([1-9]\d{0,308}):([1-9]\d{0,2})$/;
const MAX_MKI_BYTES = 128;
/** Bytes of master key and salt in a row. */
const KEY_SALT_BYTES: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
};

const SECURE_PROFILE = /^RTP\/SAVPF?$/;
const PLAIN_PROFILE = /^RTP\/AVPF?$/;

/** Whether an m-line is RTP under SDES keys: `RTP/SAVP[F]`, and not DTLS-SRTP (RFC 4568 §6, RFC 5763 §5). */
export function isSecureProfile(protocol: string): boolean {
  return SECURE_PROFILE.test(protocol);
}

/** The same profile with or without SRTP; feedback (AVPF, RFC 4585) stays. */
export function profileFor(protocol: string, isSecure: boolean): string {
  if (!SECURE_PROFILE.test(protocol) && !PLAIN_PROFILE.test(protocol)) {
    return protocol;
  }
  return `RTP/${isSecure ? 'S' : ''}AVP${protocol.endsWith('F') ? 'F' : ''}`;
}

/**
 * The `a=crypto` lines of an m-line that can be used, in its order. Left out, as RFC 4568 §6 asks, are suites that we do
 * not have, more than one key, session parameters that change what SRTP does (among them UNENCRYPTED_SRTP,
 * UNENCRYPTED_SRTCP and UNAUTHENTICATED_SRTP, which would take the protection away), and MKIs without a length.
 *
 * @throws SipError `REC_ERR_SIP_BAD_SDP` for a line that breaks the grammar of RFC 4568 §9.1, two lines with one tag,
 *   or too many lines. No error tells a key.
 */
export function cryptoLines(media: MediaDescription): readonly CryptoLine[] {
  const texts = media.lines.filter(line => attributeName(line) === 'crypto');
  if (texts.length > MAX_LINES) {
    throw badCrypto('too many a=crypto lines', texts.length);
  }
  const seen = new Set<number>();
  return texts.flatMap((text, index) => {
    const [, tagText, suite, keys, parameters = ''] =
      LINE.exec(text.slice(text.indexOf(':') + 1).trim()) ?? [];
    const tag = Number(tagText);
    if (suite === undefined || keys === undefined || tag < 1) {
      throw badCrypto('an a=crypto line needs a tag, a suite and keys', index + 1);
    }
    if (seen.has(tag)) {
      throw badCrypto('two a=crypto lines have one tag', index + 1);
    }
    seen.add(tag);
    if (!isSuite(suite) || !parameters.split(/ +/).every(isHarmless)) {
      return [];
    }
    const key = readKey(keys, suite, index + 1);
    return key === null ? [] : [{ tag, suite, key }];
  });
}

/** The text of a line. */
export function cryptoLine({ tag, suite, key }: CryptoLine): string {
  return `a=crypto:${tag} ${suite} inline:${key.keySalt}`;
}

/** A fresh random key (RFC 4568 §6.1): for one direction of one stream, never used for another. */
export function newSrtpKey(suite: SrtpSuite): SrtpKey {
  return { keySalt: randomBytes(KEY_SALT_BYTES[suite]).toString('base64'), mki: '' };
}

/**
 * Our keys of one stream of one dialog: one per suite, made when first asked for and kept, so that a re-offer states
 * what is in force (RFC 4568 §7.1.4).
 */
export class CryptoKeys {
  readonly #keys: Partial<Record<SrtpSuite, SrtpKey>> = {};

  keyFor(suite: SrtpSuite): SrtpKey {
    return (this.#keys[suite] ??= newSrtpKey(suite));
  }

  /** Lines of an offer, the most wanted first (RFC 4568 §5.1.1). */
  offer(suites: readonly SrtpSuite[]): readonly CryptoLine[] {
    return suites.map((suite, index) => ({ tag: index + 1, suite, key: this.keyFor(suite) }));
  }

  /**
   * The first offered line that we take, answered (RFC 4568 §5.1.2).
   *
   * @param suites those that we take.
   * @returns null when there is none.
   */
  answer(
    offered: readonly CryptoLine[],
    suites: readonly SrtpSuite[],
  ): { readonly line: CryptoLine; readonly crypto: StreamCrypto } | null {
    const chosen = offered.find(({ suite }) => suites.includes(suite));
    if (chosen === undefined) {
      return null;
    }
    const { tag, suite, key: receiveKey } = chosen;
    const sendKey = this.keyFor(suite);
    return { line: { tag, suite, key: sendKey }, crypto: { suite, sendKey, receiveKey } };
  }
}

/**
 * What an answer has chosen of our offer (RFC 4568 §5.1.3).
 *
 * @throws SipError `REC_ERR_SIP_BAD_ANSWER` unless it has exactly one usable line, with tag and suite of one of ours.
 */
export function agreedCrypto(
  offered: readonly CryptoLine[],
  answered: readonly CryptoLine[],
): StreamCrypto {
  const [line] = answered;
  const ours = offered.find(({ tag, suite }) => tag === line?.tag && suite === line.suite);
  if (line === undefined || answered.length !== 1 || ours === undefined) {
    throw new SipError('REC_ERR_SIP_BAD_ANSWER', 'the answer takes none of the offered keys', {
      details: { lines: answered.length },
    });
  }
  return { suite: line.suite, sendKey: ours.key, receiveKey: line.key };
}

function readKey(text: string, suite: SrtpSuite, line: number): SrtpKey | null {
  // RFC 4568 §6.1: several keys come with an MKI each and change in mid-stream; nobody in telephony does that.
  if (text.includes(';')) {
    return null;
  }
  const [, keySalt, second, third] = KEY.exec(text) ?? [];
  if (keySalt === undefined) {
    throw badCrypto('an a=crypto line has no inline key', line);
  }
  const bytes = Buffer.from(keySalt, 'base64');
  if (bytes.length !== KEY_SALT_BYTES[suite]) {
    throw badCrypto(`an a=crypto key is not as long as ${suite} says`, line);
  }
  const fields = [second, third].filter(field => field !== undefined);
  const mkis = fields.filter(field => field.includes(':'));
  if (mkis.length > 1 || !fields.every(field => field.includes(':') || LIFETIME.test(field))) {
    throw badCrypto('an a=crypto line has a bad lifetime or MKI', line);
  }
  const mki = mkis[0] === undefined ? '' : readMki(mkis[0]);
  return mki === null ? null : { keySalt: bytes.toString('base64'), mki };
}

/** The MKI field as it stands in packets, big-endian; null when it cannot be (RFC 4568 §6.1). */
function readMki(text: string): string | null {
  const [, value, length] = MKI.exec(text) ?? [];
  const bytes = Number(length);
  if (value === undefined || !(bytes <= MAX_MKI_BYTES)) {
    return null;
  }
  const hex = BigInt(value).toString(16);
  return hex.length > 2 * bytes ? null : hex.padStart(2 * bytes, '0');
}

function isSuite(text: string): text is SrtpSuite {
  return (SRTP_SUITES as readonly string[]).includes(text);
}

/** A window size hint is only a hint; an unknown parameter with a dash may be ignored (RFC 4568 §6.3.6, §6.3.7). */
function isHarmless(parameter: string): boolean {
  return parameter === '' || /^WSH=\d{1,5}$/.test(parameter) || parameter.startsWith('-');
}

function badCrypto(what: string, line: number): SipError {
  return new SipError('REC_ERR_SIP_BAD_SDP', `bad SDP: ${what}`, { details: { line } });
}
