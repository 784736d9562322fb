import { type PayloadFormat } from '#core';

import {
  ANSWERS,
  bench,
  dataMode,
  establishedBench,
  FORMATS,
  settled,
  T0,
} from './recording-session-bench';

const OPUS: PayloadFormat = {
  payloadType: 111,
  encoding: 'OPUS',
  clockRateHz: 48_000,
  channels: 2,
};

describe('a pause that is filled with silence', () => {
  test('shows in the gate and in the metadata, and not in SDP', async () => {
    const { session, log, invite, metadata } = await establishedBench({ pause: 'silence' });
    log.length = 0;
    metadata.recordingEvent({ kind: 'pause', atMs: T0 + 5, by: 'user' });
    session.setDesired('paused', FORMATS);
    expect(log).toEqual(['gate silent', 'update']);
    expect(invite().updates[0]).not.toHaveProperty('streams');
    expect(dataMode(invite().updates[0]?.metadata)).toBe('partial');
    invite().pendingUpdates[0]?.resolve(ANSWERS);
    await settled();

    metadata.recordingEvent({ kind: 'resume', atMs: T0 + 9, by: 'user' });
    session.setDesired('recording', FORMATS);
    expect(log.slice(2)).toEqual(['gate open', 'update']);
    expect(invite().updates[1]).not.toHaveProperty('streams');
    expect(session.facts().pauses).toEqual({ filled: true, unfillable: false });
  });

  test('goes on at the next SRS, which is offered sendonly', async () => {
    const { session, log, invite, clock } = await establishedBench({ pause: 'silence' });
    session.setDesired('paused', FORMATS);
    invite().events.ended({ cause: 'bye', reason: null });
    await settled();
    clock.advance(1000);
    await settled();
    expect(invite(1).invite.streams.map(({ direction }) => direction)).toEqual([
      'sendonly',
      'sendonly',
    ]);
    expect(log.filter(entry => entry.startsWith('gate')).at(-1)).toBe('gate silent');
  });

  test('ahead of the recording there is no timeline: inactive, and nothing is filled', () => {
    const { session, log, invite } = bench({ pause: 'silence' });
    session.setDesired('paused', FORMATS);
    expect(log).toEqual(['gate shut', 'invite sip:srs1']);
    expect(invite().invite.streams[0]?.direction).toBe('inactive');
    expect(session.facts().pauses).toEqual({ filled: false, unfillable: false });
  });

  test('ends with the recording, although the session waits for the last announcement', async () => {
    const { session, log, invite } = await establishedBench({ pause: 'silence' });
    session.setDesired('paused', FORMATS);
    await settled();
    log.length = 0;
    session.halt(FORMATS);
    expect(log).toEqual(['gate shut', 'update']);
    expect(invite().updates.at(-1)?.streams?.[0]?.direction).toBe('inactive');
  });

  test('is not filled while nothing may be captured at all', async () => {
    const { session, log } = await establishedBench({ pause: 'silence' });
    session.withhold(true);
    log.length = 0;
    session.setDesired('paused', FORMATS);
    expect(log[0]).toBe('gate shut');
  });

  test('becomes a plain one, inactive, where no silence can be made in the codec', async () => {
    const { session, log, invite } = await establishedBench({
      pause: 'silence',
      answers: ANSWERS.map(each => ({ ...each!, formats: [OPUS] })),
    });
    log.length = 0;
    session.setDesired('paused', [[OPUS], [OPUS]]);
    expect(log).toEqual(['gate shut', 'update']);
    expect(invite().updates[0]?.streams?.[0]?.direction).toBe('inactive');
    expect(session.facts().pauses).toEqual({ filled: false, unfillable: true });
  });

  test('an answer that comes during the pause and takes another codec changes its style', async () => {
    const { session, log, invite } = bench({ pause: 'silence' });
    session.setDesired('recording', FORMATS);
    session.setDesired('paused', FORMATS);
    expect(log.at(-1)).toBe('gate silent');
    invite().accept(ANSWERS.map(each => ({ ...each!, formats: [OPUS] })));
    await settled();
    expect(log.filter(entry => entry.startsWith('gate')).at(-1)).toBe('gate shut');
    expect(invite().updates.at(-1)?.streams?.[0]?.direction).toBe('inactive');
  });

  test('without the wish of the provider a pause stays inactive and is no matter for the ledger', async () => {
    const { session, log } = await establishedBench();
    log.length = 0;
    session.setDesired('paused', FORMATS);
    expect(log[0]).toBe('gate shut');
    expect(session.facts().pauses).toEqual({ filled: false, unfillable: false });
  });
});
