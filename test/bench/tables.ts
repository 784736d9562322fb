import Table from 'cli-table3';

import { type MemoryReport } from './memory';
import { type BenchReport } from './run';
import { type FeatureRow, type Machine, type MediaRow, type Target } from './result';
import { type Spread } from './statistics';

/** The report for people. */
export function formatReport(report: BenchReport): string {
  return [
    formatMachine(report.machine),
    ...(report.media === undefined ? [] : [mediaTable(report.media)]),
    ...(report.ratios === undefined ? [] : [ratioTable(report.ratios)]),
    ...(report.features === undefined ? [] : [featureTable(report.features)]),
    ...(report.signalling === undefined
      ? []
      : [objectTable('signalling', { ...report.signalling })]),
    ...(report.memory === undefined ? [] : [memoryTable(report.memory)]),
    ...(report.soak === undefined ? [] : [objectTable('soak', { ...report.soak })]),
    targetTable(report.targets),
  ].join('\n\n');
}

function formatMachine({
  cpu,
  cores,
  memoryMiB,
  kernel,
  node,
  loadBefore,
  loadAfter,
}: Machine): string {
  return [
    `${cpu}, ${cores} cores, ${memoryMiB} MiB, Linux ${kernel}, Node.js ${node}`,
    `load average ${loadBefore} before, ${loadAfter} after`,
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const result = new Table({ head: [...head], style: { head: [], border: [] } });
  result.push(...rows.map(row => [...row]));
  return result.toString();
}

function mediaTable(rows: readonly MediaRow[]): string {
  return table(
    [
      'calls',
      'backend',
      'CPU µs/packet',
      'loss %',
      'copy loss %',
      'p50 ms',
      'p99 ms',
      'max ms',
      'jitter ms',
      'KiB/call',
      'generator',
    ],
    rows.map(row => [
      row.calls,
      row.backend,
      row.range.cpuUsPerPacket === null ? '-' : formatSpread(row.range.cpuUsPerPacket),
      row.lossPct,
      row.copyLossPct,
      row.latencyMs.p50,
      row.latencyMs.p99,
      row.latencyMs.max,
      row.jitterMs,
      row.rssKiBPerCall === null ? '-' : `${row.rssKiBPerCall} (rings ${row.ringKiBPerCall})`,
      formatHeadroom(row.generator),
    ]),
  );
}

function featureTable(rows: readonly FeatureRow[]): string {
  return table(
    [
      'feature',
      'calls',
      'CPU µs/packet',
      '÷ relay',
      '÷ recorded',
      'loss %',
      'copy loss %',
      'generator',
    ],
    rows.map(row => [
      row.feature,
      row.calls,
      formatSpread(row.range),
      row.toRelay === null ? '-' : formatSpread(row.toRelay),
      formatSpread(row.toRecorded),
      row.lossPct,
      row.copyLossPct,
      formatHeadroom(row.generator),
    ]),
  );
}

function memoryTable({ calls: [few, many], parts }: MemoryReport): string {
  return table(
    ['memory', 'empty, MiB', `KiB/call, ${few} to ${many}`, 'just set up'],
    parts.map(({ part, emptyMiB, kibPerCall, freshKiBPerCall }) => [
      part,
      emptyMiB,
      kibPerCall,
      freshKiBPerCall,
    ]),
  );
}

function formatHeadroom({ cpuShare, latenessP99Ms, isLimit }: MediaRow['generator']): string {
  return `${Math.round(100 * cpuShare)} % CPU, ${latenessP99Ms} ms late${isLimit ? ': THE LIMIT' : ''}`;
}

function ratioTable(ratios: Readonly<Record<string, Spread>>): string {
  return table(
    ['CPU per packet, ratio', 'median (range)'],
    Object.entries(ratios).map(([name, value]) => [name, formatSpread(value)]),
  );
}

/** Flat figures and lists of flat rows, as they are. */
function objectTable(title: string, figures: Readonly<Record<string, unknown>>): string {
  return table(
    [title, ''],
    Object.entries(figures).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? value.map(entry => JSON.stringify(entry)).join('\n')
        : typeof value === 'number'
          ? value
          : JSON.stringify(value),
    ]),
  );
}

function targetTable(targets: readonly Target[]): string {
  return table(
    ['target', 'value', 'wanted', 'met'],
    targets.map(({ name, value, target, met, reason }) => [
      name,
      value ?? '-',
      target,
      met === null ? `no verdict (${reason ?? ''})` : met ? 'yes' : 'no',
    ]),
  );
}

function formatSpread({ median, min, max }: Spread): string {
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  return `${short(median)} (${short(min)}–${short(max)})`;
}
