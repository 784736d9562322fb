#!/usr/bin/env node
import { lazyRunners, runCli } from './cli';

/** Width of lines when the output is no terminal. */
const DEFAULT_COLUMNS = 100;

// `siprec-gateway … | head` closes our output: nobody is left to tell.
process.stdout.on('error', () => process.exit(1));

void runCli(process.argv.slice(2), {
  print: line => process.stdout.write(`${line}\n`),
  printError: line => process.stderr.write(`${line}\n`),
  env: process.env,
  signals: process,
  runners: lazyRunners,
  columns: process.stdout.isTTY ? process.stdout.columns : DEFAULT_COLUMNS,
}).then(code => {
  process.exitCode = code;
});
