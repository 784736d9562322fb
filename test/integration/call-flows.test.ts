import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ladderIn } from '../../src/call-flows/document';
import { draw } from '../../src/call-flows/flow';
import { FLOWS } from '../../src/call-flows/flows';
import { lanesOf } from '../../src/call-flows/ladder';

const DOCUMENT = readFileSync(join(__dirname, '../../docs/call-flows.md'), 'utf8');
/** The others are drawn by `npm run docs:call-flows`; these are the quick ones. */
const DRAWN_AGAIN = [
  'Pause and resume by INFO',
  'Blind transfer, performed by the gateway',
  'BroadWorks dialect: pause, resume, blind transfer',
  'The SRS ends the session in mid-call',
  'CANCEL',
];

jest.setTimeout(60_000);

test('docs/call-flows.md holds a ladder of every flow, and of no other', () => {
  const titles = [...DOCUMENT.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(FLOWS.map(({ title }) => title));
  for (const { title } of FLOWS) {
    expect(Object.keys(lanesOf(ladderIn(DOCUMENT, title) ?? ''))).toContain('alice');
  }
});

test.each(DRAWN_AGAIN)('%s: each party sees what docs/call-flows.md says', async title => {
  const flow = FLOWS.find(candidate => candidate.title === title)!;
  const lanes = lanesOf(await draw(flow));
  expect(lanes).toEqual(lanesOf(ladderIn(DOCUMENT, title) ?? ''));
});
