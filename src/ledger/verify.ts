import { existsSync } from 'node:fs';

import { type ChainHead, type ChainLine, GENESIS, readChainLine } from './chain';
import { journalPath, readHeadFile } from './ledger-files';
import { type LedgerLocation } from './locate';
import { readLines } from './read-lines';

/** The place where a chain is broken, and how. */
export interface BrokenLine {
  readonly file: string;
  /** 1 for the first line of the file. */
  readonly line: number;
  readonly why: string;
}

/** What a ledger's files prove. */
export interface LedgerProof {
  readonly path: string;
  /** Whether no line was changed, removed, added or cut off. */
  readonly ok: boolean;
  readonly segments: number;
  /** Lines of the chain up to the break, or all. */
  readonly records: number;
  /** Sequence number of the first line; null: there is none. */
  readonly firstSequence: number | null;
  readonly head: ChainHead;
  /** The first broken line; null: none. */
  readonly broken: BrokenLine | null;
  /** What is no proof of tampering, but worth knowing. */
  readonly warnings: readonly string[];
}

/**
 * Proves the chain of a ledger from its first segment to its head, and that of its journal.
 * @param knownHead a head that was exported earlier and kept elsewhere: the chain must hold it.
 * @throws LedgerError `REC_ERR_LEDGER_UNREADABLE`.
 */
export async function verifyLedger(
  location: LedgerLocation,
  knownHead: ChainHead | null = null,
): Promise<LedgerProof> {
  // Read before the lines: a gateway that writes meanwhile only adds to them.
  const told = readHeadFile(location.path);
  const checker = new ChainChecker([told, knownHead].filter(head => head !== null));
  await checker.read(location.segments);
  checker.finish(location.path);
  const journal = journalPath(location.path);
  const journalChecker = new ChainChecker([]);
  if (checker.broken === null && existsSync(journal)) {
    await journalChecker.read([journal]);
    journalChecker.finish(journal);
  }
  const broken = checker.broken ?? journalChecker.broken;
  return {
    path: location.path,
    ok: broken === null,
    segments: location.segments.length,
    records: checker.lines,
    firstSequence: checker.firstSequence,
    head: checker.head,
    broken,
    warnings: [...checker.warnings, ...journalChecker.warnings],
  };
}

/** Walks along a chain, line by line, and stops at the first broken one. */
class ChainChecker {
  readonly warnings: string[] = [];
  lines = 0;
  firstSequence: number | null = null;
  head: ChainHead = GENESIS;
  broken: BrokenLine | null = null;
  /** Heads that must be in the chain. */
  readonly #known: readonly ChainHead[];
  /** Lines that are no record, until the next record shows whether one is missing. */
  #doubtful: { file: string; line: number; type: 'fragment' | 'unsealed' }[] = [];
  #at = { file: '', line: 0 };

  constructor(known: readonly ChainHead[]) {
    this.#known = known;
  }

  async read(files: readonly string[]): Promise<void> {
    for (const file of files) {
      let line = 0;
      for await (const text of readLines(file)) {
        line += 1;
        this.#at = { file, line };
        this.#take(readChainLine(text));
        if (this.broken !== null) {
          return;
        }
      }
    }
  }

  /** @param path of the file that grows: where a missing tail would stand. */
  finish(path: string): void {
    if (this.broken !== null) {
      return;
    }
    const missing = this.#known.find(({ sequence }) => sequence > this.head.sequence);
    if (missing !== undefined) {
      const [doubtful] = this.#doubtful;
      this.broken = {
        file: doubtful?.file ?? path,
        line: doubtful?.line ?? (this.#at.file === path ? this.#at.line + 1 : 1),
        why: `the chain ends at ${this.head.sequence}, its head was at ${missing.sequence}: the tail is missing`,
      };
      return;
    }
    this.#excuse();
    if (this.firstSequence !== null && this.firstSequence > 1) {
      this.warnings.push(
        `begins at sequence ${this.firstSequence}: what stands before it is not proved`,
      );
    }
  }

  #take(line: ChainLine): void {
    switch (line.type) {
      case 'empty':
        return;
      case 'fragment':
      case 'unsealed':
        if (line.type === 'unsealed' && this.firstSequence !== null) {
          this.#break('has no hash');
        } else {
          this.#doubtful.push({ ...this.#at, type: line.type });
        }
        return;
      case 'sealed':
        this.#takeSealed(line);
    }
  }

  #takeSealed(line: Extract<ChainLine, { type: 'sealed' }>): void {
    const { sequence, previousHash, hash } = line;
    if (!line.isIntact) {
      this.#break('was changed: its hash is not that of its content');
      return;
    }
    const isFirst = this.firstSequence === null;
    const expected = isFirst ? sequence : this.head.sequence + 1;
    const continues = isFirst
      ? sequence !== 1 || previousHash === GENESIS.hash
      : previousHash === this.head.hash;
    if (sequence !== expected) {
      this.#breakAtDoubtful(
        `has sequence ${sequence} instead of ${expected}: lines are missing or were moved`,
      );
      return;
    }
    if (!continues) {
      this.#breakAtDoubtful('does not continue from the line before it');
      return;
    }
    if (isFirst && sequence !== 1 && this.#doubtful.length > 0) {
      this.#breakAtDoubtful('');
      return;
    }
    if (this.#known.some(each => each.sequence === sequence && each.hash !== hash)) {
      this.#break(`is not the line ${sequence} that was exported as head: the chain was rewritten`);
      return;
    }
    this.#excuse();
    this.firstSequence ??= sequence;
    this.head = { sequence, hash };
    this.lines += 1;
  }

  /** The chain goes on as if they were not there: no record is missing. */
  #excuse(): void {
    for (const { file, line, type } of this.#doubtful) {
      this.warnings.push(
        type === 'fragment'
          ? `${file}:${line} was cut off (a crash); no record is missing there`
          : `${file}:${line} has no hash: it is older than the chain and not proved`,
      );
    }
    this.#doubtful = [];
  }

  #break(why: string): void {
    this.broken = { ...this.#at, why };
  }

  /** What stands in the place of the missing line is the broken one. */
  #breakAtDoubtful(why: string): void {
    const [first] = this.#doubtful;
    if (first === undefined) {
      this.#break(why);
    } else {
      const { file, line } = first;
      this.broken = { file, line, why: 'is no record, and the line after it does not continue' };
    }
  }
}
