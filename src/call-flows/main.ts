import { writeFileSync } from 'node:fs';
import { callFlowsDocument } from './document';

/** `npm run docs:call-flows [FILE]`. */
const file = process.argv[2] ?? 'docs/call-flows.md';

callFlowsDocument(title => process.stderr.write(`${title}\n`)).then(
  document => writeFileSync(file, document),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
    process.exitCode = 1;
  },
);
