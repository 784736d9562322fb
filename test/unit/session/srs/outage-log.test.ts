import { OutageLog } from '../../../../src/session/srs/outage-log';
import { missedMs } from '../../../../src/session/srs/outages';

const FAILOVER = {
  maxResponseWaitMs: 900,
  optionsIntervalMs: 3_000,
  optionsDeadlineMs: 2_000,
  rtcpSilenceMs: 20_000,
  overlapMs: 1_000,
};
const NOTHING_REPORTED = { streams: [] };

function lostAt(
  log: OutageLog,
  noticedAtMs: number,
  sinceMs: number,
): ReturnType<OutageLog['lost']> {
  return log.lost({ cause: 'bye', noticedAtMs, sinceMs, report: NOTHING_REPORTED });
}

test('has nothing to tell before an SRS was lost', () => {
  const log = new OutageLog(FAILOVER);
  expect(log.present).toBeNull();
  expect(log.replayFromMs).toBeNull();
  expect(log.restored(5_000, 4_000)).toBeNull();
  expect(log.outages).toEqual([]);
});

test('the next SRS is sent what the lost one may have missed, and the overlap', () => {
  const log = new OutageLog(FAILOVER);
  expect(lostAt(log, 60_000, 10_000).replayFromMs).toBe(59_000);
  expect(log.replayFromMs).toBe(59_000);
  expect(log.present).toMatchObject({ noticedAtMs: 60_000, cause: 'bye', restoredAtMs: null });
});

test('an outage ends with the SRS that takes over, and says what nobody was sent', () => {
  const log = new OutageLog(FAILOVER);
  lostAt(log, 60_000, 10_000);
  const outage = log.restored(70_000, 63_000);
  expect(outage).toMatchObject({ restoredAtMs: 70_000, replayedFromMs: 63_000 });
  expect(outage === null ? null : missedMs(outage)).toBe(3_000);
  expect(log.present).toBeNull();
  expect(log.outages).toEqual([outage]);
});

test('others are asked at once, and later and later by whom takes and drops it again and again', () => {
  const log = new OutageLog(FAILOVER);
  expect(lostAt(log, 60_000, 10_000).pauseMs).toBe(0);
  const pauses = [1, 2, 3].map(n => lostAt(log, 60_000 + n, 60_000).pauseMs);
  expect(pauses).toEqual([0, 1_000, 2_000]);
  // One that kept it for a while is no such recorder.
  expect(lostAt(log, 70_000, 60_000).pauseMs).toBe(0);
});

test('remembers the first and the newest of very many outages', () => {
  const log = new OutageLog(FAILOVER);
  for (let n = 0; n < 1_000; n++) {
    lostAt(log, n, 0);
    log.restored(n, n);
  }
  const times = log.outages.map(({ noticedAtMs }) => noticedAtMs);
  expect(times).toHaveLength(64);
  expect(times.slice(0, 3)).toEqual([0, 1, 2]);
  expect(times.at(-1)).toBe(999);
});
