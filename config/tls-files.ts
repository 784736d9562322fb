import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

export interface TlsFileProblem {
  readonly key: 'cert' | 'key' | 'ca';
  /** Continues a sentence that begins with the name of the key. */
  readonly message: string;
}

/** More is no certificate, and would be read for nothing. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads every file once. @throws the error of the file system */
export function readTlsFiles<T extends TlsFiles>(
  files: T,
): Record<keyof T & keyof TlsFiles, string> {
  const texts: Record<string, string> = {};
  for (const key of ['cert', 'key', 'ca'] as const) {
    const path = files[key];
    if (path !== undefined) {
      texts[key] = readFileSync(path, 'utf8');
    }
  }
  return texts;
}

/** What is wrong with the files: not readable, no PEM, or a key of another certificate. Never throws. */
export function tlsFileProblems(files: TlsFiles): readonly TlsFileProblem[] {
  const problems: TlsFileProblem[] = [];
  const check = <T>(key: TlsFileProblem['key'], parse: (text: string) => T): T | null => {
    const path = files[key];
    if (path === undefined) {
      return null;
    }
    try {
      return parse(readText(path));
    } catch (error) {
      problems.push({ key, message: `${quoted(path)} ${complaint(error)}` });
      return null;
    }
  };
  const certificates = check('cert', parseCertificates);
  const key = check('key', parseKey);
  check('ca', parseCertificates);
  const own = certificates?.[0];
  if (own !== undefined && key !== null && !own.checkPrivateKey(key)) {
    problems.push({
      key: 'key',
      message: `${quoted(files.key ?? '')} is not the key of the certificate`,
    });
  }
  if (files.cert !== undefined && files.key === undefined) {
    problems.push({ key: 'key', message: 'is required with cert: the private key' });
  }
  if (files.key !== undefined && files.cert === undefined) {
    problems.push({ key: 'cert', message: 'is required with key: the certificate' });
  }
  return problems;
}

/** Something that is wrong with a file, in words that continue a sentence about it. */
class Complaint extends Error {}

function readText(path: string): string {
  const bytes = readFileSync(path);
  if (bytes.length > MAX_FILE_BYTES) {
    throw new Complaint('is too large for a PEM file');
  }
  return bytes.toString('utf8');
}

function parseCertificates(text: string): X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    throw new Complaint('holds no certificate (PEM, -----BEGIN CERTIFICATE-----)');
  }
  try {
    return blocks.map(block => new X509Certificate(block));
  } catch {
    throw new Complaint('holds a certificate that cannot be read');
  }
}

function parseKey(text: string): KeyObject {
  if (!text.includes('PRIVATE KEY-----')) {
    throw new Complaint('holds no private key (PEM, -----BEGIN PRIVATE KEY-----)');
  }
  if (text.includes('ENCRYPTED')) {
    throw new Complaint('is encrypted; a key without a passphrase is needed');
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw new Complaint('holds a private key that cannot be read');
  }
}

function complaint(error: unknown): string {
  if (error instanceof Complaint) {
    return error.message;
  }
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
}

function quoted(path: string): string {
  return JSON.stringify(path);
}
