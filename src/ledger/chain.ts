import { createHash } from 'node:crypto';

/** Where a chain stands: the last line's number and hash. */
export interface ChainHead {
  /** 0: nothing was written yet. */
  readonly sequence: number;
  /** SHA-256, 64 hex digits. */
  readonly hash: string;
}

/** The head of a chain without any line. */
export const GENESIS: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

/** An entry of a chained file before it is sealed: any JSON object that names its kind. */
export type ChainEntry = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** What one line of a chained file is. */
export type ChainLine =
  | {
      readonly type: 'sealed';
      readonly sequence: number;
      readonly previousHash: string;
      readonly hash: string;
      /** Whether the hash is that of the line's bytes. */
      readonly isIntact: boolean;
      readonly entry: ChainEntry;
    }
  /** JSON, but not of a chain. */
  | { readonly type: 'unsealed' }
  /** No JSON: cut off, or overwritten. */
  | { readonly type: 'fragment' }
  | { readonly type: 'empty' };

const HASH_MEMBER = /,"hash":"([0-9a-f]{64})"\}$/;

/**
 * Ties `entry` to the line before it. The canonical bytes are those of the line as it is written, without its
 * last member `hash`; the hash of the previous line is among them. So `sed` and `sha256sum` are enough to check one.
 * @returns the line with its line feed, and the new head.
 */
export function sealLine(entry: ChainEntry, head: ChainHead): { line: string; head: ChainHead } {
  const { kind, ...rest } = entry;
  const sequence = head.sequence + 1;
  const canonical = JSON.stringify({ kind, seq: sequence, prev: head.hash, ...rest });
  const hash = sha256(canonical);
  return {
    line: `${canonical.slice(0, -1)},"hash":"${hash}"}\n`,
    head: { sequence, hash },
  };
}

/** Reads one line, without its line feed. Never throws. */
export function readChainLine(text: string): ChainLine {
  if (text.trim() === '') {
    return { type: 'empty' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: 'fragment' };
  }
  const hash = HASH_MEMBER.exec(text)?.[1];
  if (!isEntry(value) || hash === undefined) {
    return { type: 'unsealed' };
  }
  const { seq, prev } = value;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || typeof prev !== 'string') {
    return { type: 'unsealed' };
  }
  const canonical = `${text.slice(0, text.length - HASH_MEMBER_LENGTH)}}`;
  return {
    type: 'sealed',
    sequence: seq,
    previousHash: prev,
    hash,
    isIntact: sha256(canonical) === hash,
    entry: value,
  };
}

const HASH_MEMBER_LENGTH = ',"hash":""}'.length + 64;

function isEntry(value: unknown): value is ChainEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'kind' in value &&
    typeof value.kind === 'string'
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
