import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import { type Crash } from './fuzz';
import { type FuzzTarget } from './target';

/** Files beyond this size are no corpus. */
const MAX_FILE_BYTES = 200_000;

/**
 * The inputs of a target below a folder: what it wants of the fixtures, and its crashes of earlier runs
 * (`crashes/<target>-*.bin`). No folder: no inputs.
 */
export function readCorpus(folder: string, target: FuzzTarget): readonly Buffer[] {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .filter(file => {
      const path = relative(folder, file).split(sep).join('/');
      return path.startsWith(`crashes/${target.name}-`) || target.wantsFile(path);
    })
    .map(file => readFileSync(file))
    .filter(bytes => bytes.length > 0 && bytes.length <= MAX_FILE_BYTES);
}

/** Writes the input of a crash as `<target>-<hash>.bin`. @returns the path */
export function keepCrash(folder: string, crash: Crash): string {
  mkdirSync(folder, { recursive: true });
  const hash = createHash('sha256').update(crash.input).digest('hex').slice(0, 12);
  const file = join(folder, `${crash.target}-${hash}.bin`);
  writeFileSync(file, crash.input);
  return file;
}
