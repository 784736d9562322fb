import Table from 'cli-table3';

import {
  type LedgerProof,
  type LedgerRecord,
  type LedgerReport,
  type Reconciliation,
  type ReportRow,
  VERDICTS,
} from '../ledger';

/** What a proof has shown, for a person. */
export function proofLines(proof: LedgerProof): readonly string[] {
  const { path, broken, head, records, segments, warnings } = proof;
  const count = `${records} ${records === 1 ? 'record' : 'records'}`;
  const where = segments === 1 ? '' : ` in ${segments} segments`;
  return [
    broken === null
      ? `OK: ${path}: ${count}${where}, head ${head.sequence}:${head.hash}`
      : `BROKEN: ${broken.file}:${broken.line} ${broken.why}`,
    ...(broken === null ? [] : [`  proved up to there: ${count}${where}`]),
    ...warnings.map(warning => `  note: ${warning}`),
  ];
}

/** A table with a row for each provider. */
export function reportLines({ total, byProvider }: LedgerReport): readonly string[] {
  const table = new Table({
    head: [
      'provider',
      'recordings',
      ...VERDICTS,
      'demanded s',
      'lost s',
      'replayed s',
      'packets lost',
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...Array<'right'>(VERDICTS.length + 5).fill('right')],
  });
  const row = (name: string, sums: ReportRow): string[] => [
    name,
    String(sums.recordings),
    ...VERDICTS.map(verdict => String(sums.byVerdict[verdict])),
    sums.demandedS.toFixed(1),
    sums.lostS.toFixed(1),
    sums.replayedS.toFixed(1),
    String(sums.packetsLost),
  ];
  table.push(
    ...Object.entries(byProvider).map(([name, sums]) => row(name, sums)),
    row('all', total),
  );
  return table.toString().split('\n');
}

/** What differs, one line each, and the sums. */
export function reconciliationLines(result: Reconciliation): readonly string[] {
  const { missing, surplus, unexpected, shorter, matched } = result;
  return [
    ...missing.map(
      ({ recordingId, startedAt, party, provider, verdict }) =>
        `missing    ${recordingId} of ${startedAt}, ${party} (${provider}, ${verdict})`,
    ),
    ...shorter.map(
      ({ ledger, row, deliveredS }) =>
        `shorter    ${ledger.recordingId}: ${row.durationS ?? 0} s (line ${row.line}) of ${deliveredS} s delivered`,
    ),
    ...surplus.map(
      ({ line, id, party, startedAtMs }) =>
        `too much   line ${line}: ${id ?? `${party ?? ''} ${new Date(startedAtMs ?? 0).toISOString()}`}`,
    ),
    ...unexpected.map(
      ({ ledger, row }) =>
        `unexpected ${ledger.recordingId} (line ${row.line}): the ledger says ${ledger.verdict}`,
    ),
    `${matched} matched, ${missing.length} missing, ${surplus.length} too much, ${shorter.length} shorter, ${unexpected.length} unexpected`,
  ];
}

/** One record as a person reads it. */
export function recordLines(record: LedgerRecord): readonly string[] {
  const { recordedParty, policy } = record;
  return [
    `recording ${record.recordingId}: ${record.verdict}`,
    `  why          ${record.verdictText}`,
    `  call         ${record.callId} (SIP Call-ID ${record.sipCallId})`,
    `  provider     ${record.provider}`,
    `  recorded     ${recordedParty.identity} (${recordedParty.role}, known by ${recordedParty.identifiedBy})`,
    `  policy       ${policy.mode}: ${policy.why}`,
    `  from         ${record.startedAt}`,
    `  to           ${record.endedAt}`,
    `  ended by     ${record.endedBy}`,
    ...record.srsAttempts.map(
      ({ uri, result, status, atMs, tookMs }) =>
        `  recorder     ${uri}: ${result}${status === null ? '' : ` ${status}`} at ${new Date(atMs).toISOString()} after ${tookMs} ms`,
    ),
    ...record.streams.map(
      stream =>
        `  stream ${stream.label}     ${stream.party}: ${stream.packetsSent} of ${stream.packetsCaptured} packets, ${stream.bytesSent} bytes` +
        (stream.packetsOfSilence === undefined
          ? ''
          : `, ${stream.packetsOfSilence} packets of silence`) +
        `${stream.codec ? `, ${stream.codec}` : ''}${stream.cryptoSuite ? `, ${stream.cryptoSuite}` : ''}` +
        (stream.lossBySrsReports === null
          ? ''
          : `, ${stream.lossBySrsReports.packetsLost} reported lost`),
    ),
    ...record.gaps.map(
      ({ startAt, endAt, reason }) =>
        `  gap          ${startAt} to ${endAt ?? 'the end'}: ${reason}`,
    ),
    ...(record.replayedS > 0 ? [`  replayed     ${record.replayedS} s`] : []),
    ...record.intervals.map(
      ({ startAt, endAt, state }) => `  ${state.padEnd(12)} ${startAt} to ${endAt ?? 'the end'}`,
    ),
    ...record.notices.map(
      ({ kind, startedAt, heardBy }) =>
        `  notice       ${kind} ${startedAt ?? 'not begun'}: ${heardBy.map(({ role, outcome }) => `${role} ${outcome}`).join(', ')}`,
    ),
    ...record.controls.map(
      ({ at, action, by, via, outcome }) =>
        `  control      ${at} ${action} by ${by} (${via}): ${outcome}`,
    ),
    ...record.participants.map(
      ({ at, present }) => `  other side   ${at} ${present.join(', ') || 'nobody'}`,
    ),
    ...(record.voicemail === null ? [] : [`  voicemail    seen by ${record.voicemail.detectedBy}`]),
    ...(record.kept === null ? [] : [`  kept         ${record.kept ? 'yes' : 'no'}`]),
    ...record.remarks.map(remark => `  remark       ${remark}`),
    ...(record.recoveredAt === undefined ? [] : [`  recovered    ${record.recoveredAt}`]),
  ];
}
