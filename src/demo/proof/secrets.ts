import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { check, type ScenarioCheck } from '../scenario';

/** What must stand in nothing that a scenario writes. */
export interface Secrets {
  /** Keys and salts of SRTP as SDES writes them: base64 (RFC 4568 §6.1). */
  readonly srtpKeys: readonly string[];
  /** API tokens and webhook secrets. */
  readonly tokens: readonly string[];
  /** Digits that were pressed in calls (RFC 4733). */
  readonly digits: readonly string[];
}

/** Fewer digits stand in any file by chance: in times, ports, and in the feature codes of the configuration. */
const MIN_DIGITS = 5;
const MIN_SECRET = 8;

/** What gives a secret away by its form, whoever it belongs to. */
const FORMS: readonly (readonly [kind: string, form: RegExp])[] = [
  ['an SRTP key in SDP', /\binline:[A-Za-z0-9+/=]{20,}/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a bearer token', /\bBearer\s+[A-Za-z0-9._~+/=-]{8,}/i],
  ['a digest response', /\bAuthorization:\s*Digest\b[^\r\n]*\bresponse="?[0-9a-f]{32}/i],
];

/** No file of the evidence but the audio holds a secret: neither those of this run, nor anything in the form of one. */
export function noSecretInEvidence(outDir: string, secrets: Secrets): ScenarioCheck {
  const { srtpKeys, tokens } = secrets;
  const digits = secrets.digits.filter(each => each.length >= MIN_DIGITS);
  const found = leaks(outDir, { ...secrets, digits });
  const count = (what: readonly string[], one: string): string =>
    `${new Set(what).size} ${one}${new Set(what).size === 1 ? '' : 's'}`;
  return check(
    'no secret in the evidence',
    // Every stage has tokens: without any, nothing was looked for.
    tokens.length > 0 && found.length === 0,
    `in no log, ledger, message or document: ${count(tokens, 'token')}, ${count(srtpKeys, 'SRTP key')}, ` +
      `${count(digits, 'row')} of digits, or anything in the form of a key or token`,
    found.length === 0 ? 'none' : found.join('; '),
  );
}

/** @returns one line for each file and kind of secret in it; never the secret. */
function leaks(outDir: string, { srtpKeys, tokens, digits }: Secrets): readonly string[] {
  const known: readonly (readonly [kind: string, values: readonly string[]])[] = [
    ['an SRTP key', srtpKeys.flatMap(spellings)],
    ['a token', tokens],
    ['digits that were pressed', digits],
  ];
  return filesBelow(outDir).flatMap(file => {
    const text = readFileSync(file).toString('latin1');
    const kinds = [
      ...known
        .filter(([, values]) =>
          values.some(value => value.length >= MIN_DIGITS && text.includes(value)),
        )
        .map(([kind]) => kind),
      ...FORMS.filter(([, form]) => form.test(text)).map(([kind]) => kind),
    ];
    return kinds.map(kind => `${kind} in ${relative(outDir, file)}`);
  });
}

/** A key may be written as it stands in SDP, or as bytes in hex. */
function spellings(key: string): string[] {
  return key.length < MIN_SECRET ? [] : [key, Buffer.from(key, 'base64').toString('hex')];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && !entry.name.endsWith('.wav'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
}
