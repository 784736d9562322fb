import Table from 'cli-table3';
import pc from 'picocolors';

import { toneLevelDbfs } from '../lab';
import { type DemoCheck, type DemoFacts } from './facts';

/** Plain lines: the output is also read from files and pipes. */
const STYLE = { head: [], border: [], compact: true };

/** The demo's result as one JSON object (`demo --json` prints it as its last line). */
export function demoJson(
  scenario: string,
  outDir: string,
  facts: DemoFacts,
  checks: readonly DemoCheck[],
): object {
  const party = (side: DemoFacts['caller']): object => ({
    name: side.party.name,
    toneHz: side.party.toneHz,
    packetsSent: side.packetsSent,
    packetsReceived: side.packetsReceived,
    packetsLost: side.packetsLost,
  });
  return {
    scenario,
    ok: checks.every(({ ok }) => ok),
    out: outDir,
    backend: facts.backend,
    call: {
      transport: facts.transport,
      answered: facts.answered,
      ringingAfterMs: rounded(facts.ringingAfterMs),
      answeredAfterMs: rounded(facts.answeredAfterMs),
      talkMs: rounded(facts.talkMs),
      endedBy: facts.endedBy,
      caller: party(facts.caller),
      callee: party(facts.callee),
    },
    recordings: facts.recordings.map(recording => ({
      file: recording.file,
      verdict: recording.verdict,
      verdictReasons: recording.verdictReasons,
      srsAnswerMs: rounded(recording.srsAnswerMs),
      labels: Object.fromEntries(
        recording.channels.map(({ label, aor }) => [label ?? '?', aor ?? 'unknown']),
      ),
      channels: recording.channels.map(channel => ({
        channel: channel.channel,
        label: channel.label,
        party: channel.expected.name,
        toneHz: channel.expected.toneHz,
        toneLevelDbfs: Number(toneLevelDbfs(channel.samples, channel.expected.toneHz).toFixed(1)),
        packets: channel.packets,
        lost: channel.lost,
        firstPacketMs: rounded(channel.firstPacketMs),
        lastPacketMs: rounded(channel.lastPacketMs),
      })),
      packetsMissing: recording.packetsMissing,
      documents: recording.documents,
      sipMessages: recording.sipMessages,
      deviations: recording.deviations,
    })),
    leftOpen: facts.leftOpen,
    checks,
  };
}

/** The demo's result for people. */
export function demoText(
  scenario: string,
  outDir: string,
  facts: DemoFacts,
  checks: readonly DemoCheck[],
): string {
  return [
    '',
    callTable(scenario, facts),
    ...facts.recordings.map(recordingTable),
    checkTable(checks),
    `Evidence: ${outDir}`,
    '  recording.wav (channel 1 = label 1, channel 2 = label 2), caller-heard.wav, callee-heard.wav,',
    '  metadata/*.xml, sip/*.txt, ledger.jsonl, gateway.log',
    checks.every(({ ok }) => ok)
      ? pc.green('Everything is as it should be.')
      : pc.red(`${checks.filter(({ ok }) => !ok).length} checks failed.`),
  ].join('\n');
}

function callTable(scenario: string, facts: DemoFacts): string {
  const table = new Table({ style: STYLE, head: [`call (${scenario})`, 'caller', 'callee'] });
  const { caller, callee } = facts;
  table.push(
    ['party', caller.party.name, callee.party.name],
    ['tone sent', `${caller.party.toneHz} Hz`, `${callee.party.toneHz} Hz`],
    ['packets sent', caller.packetsSent, callee.packetsSent],
    ['packets received', caller.packetsReceived, callee.packetsReceived],
    ['packets lost', caller.packetsLost, callee.packetsLost],
    [
      'set-up',
      `ringing ${text(facts.ringingAfterMs)}, answer ${text(facts.answeredAfterMs)}`,
      `talk ${text(facts.talkMs)}, media: ${facts.backend}`,
    ],
  );
  return table.toString();
}

function recordingTable(recording: DemoFacts['recordings'][number]): string {
  const labels = recording.channels.map(({ label }) => `label ${label ?? '?'}`);
  const row = (
    name: string,
    pick: (channel: (typeof recording.channels)[number]) => string,
  ): string[] => [name, ...recording.channels.map(pick)];
  const table = new Table({ style: STYLE, head: [recording.file, ...labels] });
  table.push(
    row('party', ({ aor, name }) => (name === null ? (aor ?? '?') : `${name} <${aor ?? '?'}>`)),
    row('tone', ({ expected, samples }) => {
      return `${expected.toneHz} Hz at ${toneLevelDbfs(samples, expected.toneHz).toFixed(1)} dBFS`;
    }),
    row('packets (lost)', ({ packets, lost }) => `${packets} (${lost})`),
    row('first, last packet', ({ firstPacketMs, lastPacketMs }) => {
      return `${text(firstPacketMs)}, ${text(lastPacketMs)} after the answer`;
    }),
    row('verdict', () => recording.verdict),
    row('SRS answered after', () => text(recording.srsAnswerMs)),
  );
  return table.toString();
}

function checkTable(checks: readonly DemoCheck[]): string {
  const table = new Table({
    style: STYLE,
    head: ['', 'check', 'measured'],
    colWidths: [4, 62, 62],
    wordWrap: true,
  });
  checks.forEach(({ name, ok, detail }) =>
    table.push([ok ? pc.green('✓') : pc.red('✗'), name, detail]),
  );
  return table.toString();
}

function text(valueMs: number | null): string {
  return valueMs === null ? 'never' : `${Math.round(valueMs)} ms`;
}

function rounded(valueMs: number | null): number | null {
  return valueMs === null ? null : Math.round(valueMs * 10) / 10;
}
