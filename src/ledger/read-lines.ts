import { createReadStream } from 'node:fs';

import { errorMessage } from '#core';
import { LedgerError } from './errors';

/** A longer line is not ours; it is handed out cut, and so can be no record. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * The lines of a file without their line feeds, one at a time, whatever its size. Only a line feed ends a line (the
 * `readline` of Node.js would also split at U+2028, which may stand in a display name).
 * @throws LedgerError `REC_ERR_LEDGER_UNREADABLE`.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
        rest = [];
        restBytes = 0;
        start = end + 1;
      }
      const tail = chunk.subarray(start, start + MAX_LINE_BYTES - restBytes);
      if (tail.length > 0) {
        rest.push(tail);
        restBytes += tail.length;
      }
    }
  } catch (error) {
    throw new LedgerError(
      'REC_ERR_LEDGER_UNREADABLE',
      `${path} cannot be read: ${errorMessage(error)}`,
      { cause: error, details: { path } },
    );
  }
  if (rest.length > 0) {
    yield Buffer.concat(rest).toString('utf8');
  }
}
