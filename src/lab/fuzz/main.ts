import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '#core';
import { keepCrash } from './corpus';
import { type FuzzResult } from './fuzz';
import { formatResults } from './report';
import { FUZZ_TARGETS } from './targets';
import { watchedFuzz } from './watched-fuzz';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly corpus: string;
  readonly crashes: string;
  readonly json?: true;
}

const NAMES = FUZZ_TARGETS.map(({ name }) => name);

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('A whole number is needed.');
  }
  return value;
}

function parserNames(text: string): readonly string[] {
  const names = text.split(',').map(name => name.trim());
  if (!names.every(name => NAMES.includes(name))) {
    throw new InvalidArgumentError(`Known are: ${NAMES.join(', ')}.`);
  }
  return names;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function run(options: Options): Promise<void> {
  const results: FuzzResult[] = [];
  for (const target of options.only) {
    const job = {
      target,
      runs: options.runs,
      seed: options.seed,
      corpusFolder: options.corpus,
    };
    results.push(await watchedFuzz(job, systemClock));
  }
  const crashes = results
    .flatMap(result => result.crashes)
    .map(crash => ({ ...crash, file: keepCrash(options.crashes, crash) }));
  if (options.json) {
    const rows = results.map(result => ({ ...result, crashes: result.crashes.length }));
    const found = crashes.map(({ target, reason, file }) => ({ target, reason, file }));
    print(JSON.stringify({ seed: options.seed, parsers: rows, crashes: found }));
  } else {
    print(`seed ${options.seed}`);
    print(formatResults(results));
    for (const { target, reason, file } of crashes) {
      print(`${target}: ${reason.slice(0, 500)}\n  ${file}`);
    }
  }
  process.exitCode = crashes.length > 0 ? 1 : 0;
}

const program = new Command('fuzz')
  .description('feeds mutated and random input to every parser that reads what a peer wrote')
  .option('--runs <n>', 'inputs per parser', wholeNumber, 20_000)
  .option('--seed <n>', 'repeats an earlier run', wholeNumber, systemClock.wallNowMs() % 1_000_000)
  .option('--only <parsers>', `some of ${NAMES.join(',')}`, parserNames, NAMES)
  .option('--corpus <dir>', 'fixtures to start from', 'test/fixtures')
  .option('--crashes <dir>', 'where crash inputs go', 'test/fixtures/crashes')
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nThe exit code is 1 when a parser crashed, hung or broke its promises.');

program.action(run);
void program.parseAsync();
