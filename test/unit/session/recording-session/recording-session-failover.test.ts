import { GatewayError } from '#core';
import { parseMetadata } from '#metadata';

import { missedMs } from '../../../../src/session/srs/outages';
import {
  ANSWERS,
  bench,
  dataMode,
  establishedBench,
  FAILOVER,
  FORMATS,
  settled,
  T0,
} from './recording-session-bench';

describe('an SRS that is lost in mid-call', () => {
  test.each([
    ['bye', 'p1: lost-bye'],
    ['session-expired', 'p1: lost-session-expired'],
  ] as const)(
    'by %s is followed by the next one, with a complete document',
    async (cause, metric) => {
      const { session, media, invite, log, clock, failures, changes } = await establishedBench();
      clock.advance(3000);
      log.length = 0;
      invite().events.ended({ cause, reason: 'x' });
      expect(session.state).toBe('inviting');
      expect(log).toEqual(['rewind', 'invite sip:srs2']);
      expect(failures).toEqual([metric]);
      expect(dataMode(invite(1).invite.metadata)).toBe('complete');
      expect(media.drains).toEqual([]);

      media.oldestMs = T0 + 100;
      invite(1).accept();
      await settled();
      expect(session.state).toBe('established');
      expect(changes).toEqual(['established', 'lost', 'restored']);
      expect(media.remotes).toEqual([ANSWERS, ANSWERS]);
      expect(session.facts().lostAtMs).toBeNull();
    },
  );

  test('that said BYE is taken to have got everything until then; the overlap is sent again', async () => {
    const { media, invite, clock, session } = await establishedBench();
    clock.advance(10_000);
    invite().events.ended({ cause: 'bye', reason: null });
    expect(media.rewinds).toEqual([T0 + 10_000 - FAILOVER.overlapMs]);
    media.oldestMs = T0 + 8_010;
    invite(1).accept();
    await settled();
    const [outage] = session.facts().outages;
    expect(outage).toMatchObject({ noticedAtMs: T0 + 10_000, replayedFromMs: T0 + 8_010 });
    expect(missedMs(outage!)).toBe(0);
  });

  test('that vanished without reports is taken to have missed the whole detection window', async () => {
    const { media, invite, clock } = await establishedBench();
    invite().probes.push('alive', 'alive', 'silent');
    for (let round = 0; round < 3; round++) {
      clock.advance(FAILOVER.optionsIntervalMs);
      await settled();
    }
    expect(invite().byes).toHaveLength(1);
    expect(media.rewinds).toEqual([T0 + 9_000 - 5_000 - FAILOVER.overlapMs]);
  });

  test('that sent receiver reports is taken to have got everything up to the older one', async () => {
    const { media, invite, clock } = await establishedBench();
    clock.advance(9_000);
    media.reportedAtMs = [T0 + 7_000, T0 + 6_500];
    invite().events.ended({ cause: 'bye', reason: null });
    expect(media.rewinds).toEqual([T0 + 6_500 - FAILOVER.overlapMs]);
  });

  test('again and again, for hours: the first and the newest outages are remembered', async () => {
    const { session, invite, clock } = await establishedBench();
    for (let round = 1; round <= 100; round++) {
      clock.advance(10_000);
      invite(round - 1).events.ended({ cause: 'bye', reason: null });
      await settled();
      invite(round).accept();
      await settled();
    }
    const noticedAtMs = session.facts().outages.map(outage => outage.noticedAtMs - T0);
    expect(noticedAtMs).toHaveLength(64);
    expect(noticedAtMs[0]).toBe(10_000);
    expect(noticedAtMs.at(-1)).toBe(100 * 10_000);
    expect(session.facts().lostAtMs).toBeNull();
  });

  test('whose ring did not reach back far enough leaves a gap that is told', async () => {
    const { media, invite, clock, session } = await establishedBench();
    clock.advance(30_000);
    invite().events.ended({ cause: 'bye', reason: null });
    clock.advance(20_000);
    media.oldestMs = T0 + 38_000;
    invite(1).accept();
    await settled();
    expect(missedMs(session.facts().outages[0]!)).toBe(8_000);
    const gap = { startMs: T0 + 30_000, endMs: T0 + 38_000, reason: 'bye' };
    expect(gapsIn(invite(1).updates[0]?.metadata)).toEqual([gap]);
  });

  test('and that leaves no gap has none told', async () => {
    const { media, invite, clock } = await establishedBench();
    clock.advance(10_000);
    invite().events.ended({ cause: 'bye', reason: null });
    media.oldestMs = T0 + 8_000;
    invite(1).accept();
    await settled();
    expect(invite(1).updates).toEqual([]);
    expect(gapsIn(invite(1).invite.metadata)).toEqual([]);
  });

  test.each([
    ['is kept when it answers on a new connection', ['alive'], 'established', []],
    ['is lost at once when it does not', ['silent'], 'inviting', ['connection-lost']],
    [
      'is lost when it is not there any more',
      ['unreachable', 'unreachable'],
      'inviting',
      ['connection-lost'],
    ],
    [
      'is lost when it has forgotten the dialog',
      ['dialog-unknown'],
      'inviting',
      ['dialog-unknown'],
    ],
  ] as const)('by a broken connection %s', async (_, probes, state, causes) => {
    const { session, invite } = await establishedBench();
    invite().probes.push(...probes);
    invite().events.connectionLost();
    await settled();
    expect(session.state).toBe(state);
    expect(session.facts().outages.map(({ cause }) => cause)).toEqual(causes);
    expect(invite().byes).toHaveLength(causes.length);
  });

  test('is asked last the next time, and again while nobody else takes the recording', async () => {
    const { session, invite, clock, srs } = await establishedBench();
    clock.advance(3000);
    invite().events.ended({ cause: 're-invite-failed', reason: null });
    invite(1).refuse('REC_ERR_SIP_SRS_REFUSED', 503);
    await settled();
    expect(srs.invites.map(each => each.invite.srsUri)).toEqual([
      'sip:srs1',
      'sip:srs2',
      'sip:srs1',
    ]);
    invite(2).refuse('REC_ERR_SIP_SRS_UNREACHABLE');
    await settled();
    expect(session.state).toBe('failed');
    clock.advance(1_000);
    expect(srs.invites).toHaveLength(4);
    invite(3).accept();
    await settled();
    expect(session.state).toBe('established');
  });

  test('while paused is replaced by one that is offered inactive streams', async () => {
    const { session, invite } = await establishedBench();
    session.setDesired('paused', FORMATS);
    invite().pendingUpdates[0]?.resolve(ANSWERS);
    await settled();
    invite().events.ended({ cause: 're-invite-failed', reason: null });
    expect(invite(1).invite.streams.map(({ direction }) => direction)).toEqual([
      'inactive',
      'inactive',
    ]);
  });

  test('in the middle of an update is replaced all the same', async () => {
    const { session, invite, log } = await establishedBench();
    session.metadataChanged();
    session.setDesired('paused', FORMATS);
    invite().events.ended({ cause: 're-invite-failed', reason: null });
    invite().pendingUpdates[0]?.reject(new GatewayError('REC_ERR_SIP_DIALOG_GONE', 'gone'));
    await settled();
    expect(session.state).toBe('inviting');
    invite(1).accept();
    await settled();
    expect(session.state).toBe('established');
    expect(log.filter(line => line.startsWith('invite'))).toHaveLength(2);
  });

  test('by an update that nobody answers is ended and replaced', async () => {
    const { session, invite } = await establishedBench();
    session.setDesired('paused', FORMATS);
    invite().pendingUpdates[0]?.reject(new GatewayError('REC_ERR_SIP_TIMEOUT', 'no answer'));
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(session.state).toBe('inviting');
  });

  test('and a hang-up meanwhile wait for the next answer, deliver what is left and say BYE', async () => {
    const { session, invite, media, finished } = await establishedBench();
    invite().events.ended({ cause: 're-invite-failed', reason: null });
    session.stop();
    await settled();
    expect(finished).toEqual([]);
    invite(1).accept();
    await settled();
    expect(media.drains).toEqual([700]);
    expect(invite(1).byes).toHaveLength(1);
    expect(finished).toMatchObject([{ state: 'ended', outages: [{ cause: 're-invite-failed' }] }]);
  });

  test('soon after its answer, again and again, is given longer and longer pauses', async () => {
    const { session, invite, srs, clock } = await establishedBench({ targets: ['sip:srs1'] });
    const rounds: number[] = [];
    for (let loss = 0; loss < 4; loss++) {
      invite(loss).events.ended({ cause: 'bye', reason: null });
      const lostAtMs = clock.wallNowMs();
      while (srs.invites.length === loss + 1) {
        clock.advance(1_000);
      }
      rounds.push(clock.wallNowMs() - lostAtMs);
      invite(loss + 1).accept();
      await settled();
    }
    expect(rounds).toEqual([0, 1_000, 2_000, 4_000]);
    expect(session.state).toBe('established');
  });

  test('and never found again is told as lost', async () => {
    const { session, invite, clock, finished } = await establishedBench({ targets: ['sip:srs1'] });
    clock.advance(3_000);
    invite().events.ended({ cause: 'bye', reason: null });
    invite(1).refuse('REC_ERR_SIP_SRS_UNREACHABLE');
    await settled();
    session.stop();
    await settled();
    expect(finished).toMatchObject([
      { state: 'failed', lostAtMs: T0 + 3_000, lostReason: 'bye', stoppedAtMs: T0 + 3_000 },
    ]);
  });
});

/** Of the document's extension. */
function gapsIn(xml: string | undefined): unknown {
  const { document } = parseMetadata(xml ?? '');
  return document.kind === 'recording' ? (document.details?.gaps ?? []) : null;
}

describe('an SRS that is silent', () => {
  test('is overtaken by the next, and its late answer is ended', async () => {
    const { session, invite, clock, log } = bench();
    session.setDesired('recording', FORMATS);
    clock.advance(FAILOVER.maxResponseWaitMs);
    expect(log).toEqual(['gate open', 'invite sip:srs1', 'invite sip:srs2']);
    invite(1).accept();
    await settled();
    expect(session.state).toBe('established');
    expect(invite().signal.aborted).toBe(true);
  });

  test('may still win before the next has answered', async () => {
    const { session, invite, clock } = bench();
    session.setDesired('recording', FORMATS);
    clock.advance(FAILOVER.maxResponseWaitMs);
    invite(0).accept();
    await settled();
    expect(session.state).toBe('established');
    expect(invite(1).signal.aborted).toBe(true);
  });

  test('and alone is waited for', async () => {
    const { session, invite, clock } = bench({ targets: ['sip:srs1'] });
    session.setDesired('recording', FORMATS);
    clock.advance(4_000);
    invite().accept();
    await settled();
    expect(session.state).toBe('established');
    expect(await session.firstOutcome).toBe(true);
  });
});

describe('a session that is established ahead of its recording', () => {
  test('offers inactive streams, keeps the gate shut, and opens both when the recording begins', async () => {
    const { session, invite, log } = bench();
    session.setDesired('paused', FORMATS);
    expect(log).toEqual(['gate shut', 'invite sip:srs1']);
    expect(invite().invite.streams.map(({ direction }) => direction)).toEqual([
      'inactive',
      'inactive',
    ]);
    invite().accept();
    expect(await session.firstOutcome).toBe(true);
    session.setDesired('recording', FORMATS);
    expect(log.at(-2)).toBe('gate open');
    expect(invite().updates[0]?.streams?.map(({ direction }) => direction)).toEqual([
      'sendonly',
      'sendonly',
    ]);
  });
});
