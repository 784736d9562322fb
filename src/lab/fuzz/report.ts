import Table from 'cli-table3';
import { type FuzzResult } from './fuzz';

/** One row per parser. */
export function formatResults(results: readonly FuzzResult[]): string {
  const table = new Table({
    head: ['parser', 'runs', 'accepted', 'refused', 'crashes', 'slowest ms'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { target, runs, accepted, refused, crashes, slowestMs } of results) {
    table.push([target, runs, accepted, refused, crashes.length, slowestMs.toFixed(1)]);
  }
  return table.toString();
}
