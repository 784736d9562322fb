import { type LogFields, type Logger, noopLogger } from '#core';
import { type LedgerRecord } from '../../../src/ledger';
import { type AppendFile } from '../../../src/ledger/append-file';

/** A record of a recording that went well. */
export function record(recordingId: string, changes: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    version: 1,
    recordingId,
    callId: 'call-1',
    sipCallId: 'a\nb"c\u2028@192.0.2.1',
    provider: 'lab',
    srsAttempts: [
      { uri: 'sip:srs@192.0.2.9', result: 'established', status: 200, atMs: 1, tookMs: 20 },
    ],
    recordedParty: { identity: 'tel:+4930123456', role: 'caller', identifiedBy: 'from' },
    policy: { mode: 'always', why: 'mode of user alice' },
    startedAt: '2026-11-23T10:00:00.000Z',
    endedAt: '2026-11-23T10:01:00.000Z',
    verdict: 'recorded',
    verdictReasons: ['complete'],
    verdictText: 'all 100 packets that were captured were sent',
    streams: [],
    gaps: [],
    endedBy: 'caller',
    replayedS: 0,
    notices: [],
    controls: [],
    participants: [],
    intervals: [],
    voicemail: null,
    kept: null,
    remarks: [],
    ...changes,
  };
}

/** What would be known of it in mid-call. */
export function interrupted(recordingId: string, endedAt: string): LedgerRecord {
  return record(recordingId, {
    endedAt,
    verdict: 'interrupted',
    verdictReasons: ['gateway-stopped'],
    verdictText: 'the gateway stopped before the recording ended',
    gaps: [{ startAt: endedAt, endAt: null, reason: 'gateway-stopped' }],
  });
}

/** Keeps what is logged as errors and warnings. */
export function memoryLogger(): Logger & {
  readonly entries: { message: string; fields: LogFields }[];
} {
  const entries: { message: string; fields: LogFields }[] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    entries.push({ message, fields });
  };
  return { ...noopLogger, warn: keep, error: keep, entries };
}

/** A file in memory whose next operations can be made to fail or to wait. */
export class FakeFile implements AppendFile {
  endsInsideLine = false;
  content = '';
  appends = 0;
  isClosed = false;
  isFull = false;
  gate: Promise<void> = Promise.resolve();

  get sizeBytes(): number {
    return Buffer.byteLength(this.content);
  }

  async append(bytes: Buffer): Promise<void> {
    await this.gate;
    if (this.isFull) {
      throw new Error('ENOSPC: no space left on device, write');
    }
    this.appends += 1;
    this.content += bytes.toString();
  }

  isAt(): boolean {
    return true;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
