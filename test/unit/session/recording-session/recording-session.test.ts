import { GatewayError } from '#core';
import { type RecordingReport } from '#media';
import { RFC7866_PROFILE } from '#sip';

import {
  answer,
  ANSWERS,
  bench,
  dataMode,
  Deferred,
  DRAIN_MS,
  endpoint,
  establishedBench,
  FORMATS,
  PCMA,
  PCMU,
  settled,
  T0,
} from './recording-session-bench';

describe('the start of a recording session', () => {
  test('opens the gate before it signals anything', () => {
    const { log, session } = bench();
    session.setDesired('recording', FORMATS);
    expect(log).toEqual(['gate open', 'invite sip:srs1']);
    expect(session.state).toBe('inviting');
  });

  test('offers sendonly streams with a complete document to the first SRS', () => {
    const { session, invite } = bench();
    session.setDesired('recording', FORMATS);
    const sent = invite().invite;
    expect(sent).toMatchObject({
      srsUri: 'sip:srs1',
      from: { uri: 'sip:src@example.com', displayName: null },
      profile: RFC7866_PROFILE,
      answerTimeoutMs: 4321,
    });
    expect(sent.streams).toEqual([
      { label: '1', local: endpoint(5000), formats: [PCMU], direction: 'sendonly' },
      { label: '2', local: endpoint(5002), formats: [PCMA], direction: 'sendonly' },
    ]);
    expect(dataMode(sent.metadata)).toBe('complete');
  });

  test('gives the answer of the SRS to the media and to the facts', async () => {
    const { session, media, invite, clock, setupsS } = bench();
    session.setDesired('recording', FORMATS);
    clock.advance(250);
    invite().accept([answer(7000), null]);
    await settled();
    expect(media.remotes).toEqual([[answer(7000), null]]);
    expect(session.facts()).toMatchObject({
      state: 'established',
      attempts: [{ uri: 'sip:srs1', result: 'established', status: null, atMs: T0, tookMs: 250 }],
      startedAtMs: T0,
      establishedAtMs: T0 + 250,
      stoppedAtMs: null,
      lostAtMs: null,
      answers: [answer(7000), null],
    });
    expect(setupsS).toEqual([0.25]);
  });

  test('gives later answers of the SRS to the media as well', async () => {
    const { session, media, invite } = await establishedBench();
    invite().events.answerChanged([answer(8000), answer(8002)]);
    expect(media.remotes.at(-1)).toEqual([answer(8000), answer(8002)]);
    expect(session.facts().answers).toEqual([answer(8000), answer(8002)]);
  });

  test('sends nothing more after the answer when nothing has changed', async () => {
    const { invite } = await establishedBench();
    expect(invite().updates).toEqual([]);
  });

  test('tries the next target after a refusal and records both attempts', async () => {
    const { session, srs, invite, clock, failures } = bench();
    session.setDesired('recording', FORMATS);
    clock.advance(30);
    invite().refuse('REC_ERR_SIP_SRS_REFUSED', 486);
    await settled();
    expect(srs.invites.map(each => each.invite.srsUri)).toEqual(['sip:srs1', 'sip:srs2']);
    expect(dataMode(invite(1).invite.metadata)).toBe('complete');
    clock.advance(20);
    invite(1).accept();
    await settled();
    expect(session.state).toBe('established');
    expect(session.facts().attempts).toEqual([
      { uri: 'sip:srs1', result: 'REC_ERR_SIP_SRS_REFUSED', status: 486, atMs: T0, tookMs: 30 },
      {
        uri: 'sip:srs2',
        result: 'established',
        status: null,
        atMs: T0 + 30,
        tookMs: 20,
        srsCallId: 'srs-call-1',
      },
    ]);
    expect(failures).toEqual(['p1: REC_ERR_SIP_SRS_REFUSED']);
  });

  test('ends the session with an SRS whose address no packet can be sent to, and tries the next', async () => {
    const { session, media, invite, log } = bench();
    session.setDesired('recording', FORMATS);
    media.badHost = answer(6000)!.rtp!.host;
    invite().accept();
    await settled();
    expect(log).toContain('bye');
    expect(session.state).toBe('inviting');
    media.badHost = null;
    invite(1).accept();
    await settled();
    expect(session.facts().attempts.map(({ result }) => result)).toEqual([
      'REC_ERR_SIP_SRS_BAD_ANSWER',
      'established',
    ]);
    expect(session.state).toBe('established');
  });

  test('tells everything after an update that failed, because a partial document would count from nothing', async () => {
    const { session, invite, metadata } = await establishedBench();
    metadata.setActivity('callee', { sends: false, receives: true }, T0);
    session.metadataChanged();
    await settled();
    const { updates, pendingUpdates } = invite();
    pendingUpdates[0]!.reject(new Error('488'));
    await settled();
    metadata.setActivity('callee', { sends: true, receives: true }, T0);
    session.metadataChanged();
    await settled();
    expect(dataMode(updates[1]!.metadata)).toBe('complete');
  });

  test('records an error that is none of ours as an internal one, without a status', async () => {
    const { session, invite } = bench({ targets: ['sip:srs1'] });
    session.setDesired('recording', FORMATS);
    invite().answered.reject(new TypeError('odd'));
    await settled();
    expect(session.facts().attempts).toMatchObject([{ result: 'REC_ERR_INTERNAL', status: null }]);
  });

  test('fails when every target has refused, and is finished only after the stop', async () => {
    const { session, media, invite, finished, clock, failures, changes } = bench();
    session.setDesired('recording', FORMATS);
    invite().refuse('REC_ERR_SIP_SRS_REFUSED', 503);
    await settled();
    invite(1).refuse('REC_ERR_SIP_SRS_TIMEOUT');
    await settled();
    expect(session.state).toBe('failed');
    expect(media.drains).toEqual([]);
    expect(failures.at(-1)).toBe('p1: exhausted');
    expect(changes).toEqual(['exhausted']);
    expect(await session.firstOutcome).toBe(false);
    expect(finished).toEqual([]);

    clock.advance(500);
    session.stop();
    await settled();
    expect(media.drains).toEqual([0]);
    expect(finished).toMatchObject([
      {
        state: 'failed',
        attempts: [
          { result: 'REC_ERR_SIP_SRS_REFUSED', status: 503 },
          { result: 'REC_ERR_SIP_SRS_TIMEOUT', status: null },
        ],
        startedAtMs: T0,
        establishedAtMs: null,
        stoppedAtMs: T0 + 500,
        answers: [],
      },
    ]);
  });

  test('signals no changes while nobody takes it; the gate still follows', async () => {
    const { session, log, invite } = bench({ targets: ['sip:srs1'] });
    session.setDesired('recording', FORMATS);
    invite().refuse('REC_ERR_SIP_SRS_REFUSED', 603);
    await settled();
    const before = [...log];
    session.setFormats([[PCMA], [PCMA]]);
    session.metadataChanged();
    session.setDesired('paused', FORMATS);
    await settled();
    expect(log).toEqual([...before, 'gate shut']);
    expect(session.state).toBe('failed');
  });
});

describe('the stop of a recording session', () => {
  test('shuts the gate, drains the media, then says BYE with the last partial document', async () => {
    const { session, log, media, invite, finished, metadata, clock } = await establishedBench();
    log.length = 0;
    clock.advance(9000);
    metadata.end(T0 + 9000, null);
    session.stop();
    expect(log).toEqual(['gate shut', 'close']);
    expect(session.state).toBe('ending');
    await settled();
    expect(log).toEqual(['gate shut', 'close', 'bye']);
    expect(media.drains).toEqual([DRAIN_MS]);
    expect(invite().byes).toHaveLength(1);
    expect(dataMode(invite().byes[0]?.metadata)).toBe('partial');
    expect(finished).toMatchObject([{ state: 'ended', stoppedAtMs: T0 + 9000, lostAtMs: null }]);
  });

  test('says BYE only when the media have delivered what they held', async () => {
    const { session, media, invite, finished } = await establishedBench();
    const closing = new Deferred<RecordingReport>();
    media.closing = closing;
    session.stop();
    await settled();
    expect(invite().byes).toEqual([]);
    expect(finished).toEqual([]);
    closing.resolve(media.report());
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(finished).toHaveLength(1);
  });

  test('sends no document in the BYE to a provider that wants none', async () => {
    const { session, invite, metadata } = await establishedBench({ metadataInBye: false });
    metadata.end(T0, null);
    session.stop();
    await settled();
    expect(invite().updates).toHaveLength(1);
    expect(dataMode(invite().updates[0]?.metadata)).toBe('partial');
    invite().pendingUpdates[0]?.resolve([]);
    await settled();
    expect(invite().byes).toEqual([{}]);
  });

  test('sends no document in the BYE when nothing has changed', async () => {
    const { session, invite } = await establishedBench();
    session.stop();
    await settled();
    expect(invite().byes).toEqual([{}]);
  });

  test.each([
    ['takes no stream', [null, null], 0],
    ['has put all streams on hold', [answer(7000, false), null], 0],
    ['receives one stream', [answer(7000, false), answer(7002)], DRAIN_MS],
  ])('waits for the media as long as sensible when the SRS %s', async (_, answers, drainMs) => {
    const { session, media } = await establishedBench({ answers });
    session.stop();
    await settled();
    expect(media.drains).toEqual([drainMs]);
  });

  test('ends it all the same when the SRS accepts and hangs up before its 200 was looked at', async () => {
    const { session, invite, finished } = bench({ targets: ['sip:srs1'] });
    session.setDesired('recording', FORMATS);
    session.stop();
    invite().events.ended({ cause: 'bye', reason: null });
    invite().accept(ANSWERS);
    await settled();
    expect(session.state).toBe('ended');
    expect(finished).toHaveLength(1);
  });

  test('happens at once before anything was started', async () => {
    const { session, finished, srs, media } = bench();
    session.stop();
    await settled();
    expect(srs.invites).toEqual([]);
    expect(media.drains).toEqual([0]);
    expect(finished).toMatchObject([
      { state: 'ended', attempts: [], startedAtMs: null, stoppedAtMs: T0 },
    ]);
  });

  test('while inviting lets the SRS answer, delivers and closes then', async () => {
    const { session, log, media, invite, finished } = bench();
    session.setDesired('recording', FORMATS);
    session.stop();
    await settled();
    expect(session.state).toBe('inviting');
    expect(invite().signal.aborted).toBe(false);
    expect(finished).toEqual([]);
    invite().accept();
    await settled();
    expect(log).toEqual(['gate open', 'invite sip:srs1', 'gate shut', 'remotes', 'close', 'bye']);
    expect(media.drains).toEqual([DRAIN_MS]);
    expect(finished).toMatchObject([{ state: 'ended', establishedAtMs: T0, stoppedAtMs: T0 }]);
  });

  test('while inviting still tries the next target, and finishes when that refuses too', async () => {
    const { session, invite, finished } = bench();
    session.setDesired('recording', FORMATS);
    session.stop();
    invite().refuse('REC_ERR_SIP_SRS_REFUSED', 503);
    await settled();
    expect(finished).toEqual([]);
    invite(1).refuse('REC_ERR_SIP_SRS_REFUSED', 503);
    await settled();
    expect(finished).toMatchObject([{ state: 'failed', attempts: [{}, {}] }]);
  });

  test('comes by the intent as well', async () => {
    const { session, finished } = await establishedBench();
    session.setDesired('none', FORMATS);
    await settled();
    expect(finished).toMatchObject([{ state: 'ended' }]);
  });

  test('does not wait for an update that is in flight', async () => {
    const { session, invite, finished, metadata } = await establishedBench();
    metadata.setActivity('callee', { sends: false, receives: true }, T0);
    session.metadataChanged();
    session.stop();
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(finished).toHaveLength(1);
    invite().pendingUpdates[0]?.reject(new Error('gone'));
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(session.state).toBe('ended');
    expect(finished).toHaveLength(1);
  });

  test('happens once, however often it is asked for, and lets nothing begin again', async () => {
    const { session, log, srs, media, invite, finished, clock } = await establishedBench();
    session.stop();
    clock.advance(1000);
    session.stop();
    await settled();
    session.stop();
    session.abort();
    session.setDesired('recording', FORMATS);
    session.setFormats([[PCMA], [PCMU]]);
    session.metadataChanged();
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(invite().updates).toEqual([]);
    expect(srs.invites).toHaveLength(1);
    expect(log.filter(entry => entry.startsWith('gate'))).toEqual(['gate open', 'gate shut']);
    expect(media.drains[0]).toBe(DRAIN_MS);
    expect(finished).toHaveLength(1);
    expect(session.facts().stoppedAtMs).toBe(T0);
  });

  test('finishes even though the media cannot be closed', async () => {
    const { session, media, invite, finished } = await establishedBench();
    media.closeError = new Error('worker died');
    session.stop();
    await settled();
    expect(invite().byes).toHaveLength(1);
    expect(finished).toMatchObject([{ state: 'ended', report: { streams: [] } }]);
  });

  test('survives a gate that cannot be moved', async () => {
    const { session, media, invite, finished } = bench();
    media.gateError = new Error('worker died');
    session.setDesired('recording', FORMATS);
    invite().accept();
    await settled();
    session.stop();
    await settled();
    expect(finished).toMatchObject([{ state: 'ended' }]);
  });

  test('finishes without a BYE when the SRS hangs up during the drain, and nothing counts as lost', async () => {
    const { session, media, invite, finished } = await establishedBench();
    const closing = new Deferred<RecordingReport>();
    media.closing = closing;
    session.stop();
    invite().events.ended({ cause: 'bye', reason: null });
    closing.resolve(media.report());
    await settled();
    expect(invite().byes).toEqual([]);
    expect(finished).toMatchObject([{ state: 'ended', lostAtMs: null, lostReason: null }]);
  });
});

describe('abort', () => {
  test('gives the attempt up and tries no other target', async () => {
    const { session, srs, finished, media } = bench();
    session.setDesired('recording', FORMATS);
    session.abort();
    await settled();
    expect(srs.invites).toHaveLength(1);
    expect(srs.invites[0]?.signal.aborted).toBe(true);
    expect(media.drains).toEqual([0]);
    expect(finished).toMatchObject([
      { state: 'failed', attempts: [{ result: 'REC_ERR_SIP_ABORTED', status: null }] },
    ]);
  });

  test('gives up an attempt that a stop is waiting for', async () => {
    const { session, finished } = bench();
    session.setDesired('recording', FORMATS);
    session.stop();
    await settled();
    expect(finished).toEqual([]);
    session.abort();
    await settled();
    expect(finished).toHaveLength(1);
  });
});

describe('changes of a running recording session', () => {
  test('pauses by the gate at once and by inactive streams, and resumes', async () => {
    const { session, log, invite } = await establishedBench();
    log.length = 0;
    session.setDesired('paused', FORMATS);
    expect(log).toEqual(['gate shut', 'update']);
    expect(session.state).toBe('updating');
    expect(invite().updates[0]?.streams?.map(({ direction }) => direction)).toEqual([
      'inactive',
      'inactive',
    ]);
    expect(dataMode(invite().updates[0]?.metadata)).toBe('complete');
    invite().pendingUpdates[0]?.resolve([answer(7000, false), answer(7002, false)]);
    await settled();
    expect(session.state).toBe('established');

    session.setDesired('recording', FORMATS);
    expect(log.slice(-2)).toEqual(['gate open', 'update']);
    expect(invite().updates[1]?.streams?.map(({ direction }) => direction)).toEqual([
      'sendonly',
      'sendonly',
    ]);
    invite().pendingUpdates[1]?.resolve(ANSWERS);
    await settled();
    expect(session.facts().answers).toEqual(ANSWERS);
  });

  test('does nothing about a wish that is fulfilled', async () => {
    const { session, log } = await establishedBench();
    log.length = 0;
    session.setDesired('recording', FORMATS);
    session.setFormats(FORMATS.map(formats => [...formats]));
    await settled();
    expect(log).toEqual([]);
  });

  test('pauses while inviting: the gate at once, the SRS when it has answered', async () => {
    const { session, log, invite } = bench();
    session.setDesired('recording', FORMATS);
    session.setDesired('paused', FORMATS);
    expect(log).toEqual(['gate open', 'invite sip:srs1', 'gate shut']);
    invite().accept();
    await settled();
    expect(invite().updates).toHaveLength(1);
    expect(invite().updates[0]?.streams?.[0]?.direction).toBe('inactive');
  });

  test('offers inactive streams to the next target after a pause', async () => {
    const { session, invite } = bench();
    session.setDesired('recording', FORMATS);
    session.setDesired('paused', FORMATS);
    invite().refuse('REC_ERR_SIP_SRS_REFUSED', 500);
    await settled();
    expect(invite(1).invite.streams[0]?.direction).toBe('inactive');
    invite(1).accept();
    await settled();
    expect(invite(1).updates).toEqual([]);
  });

  test('offers new formats with a complete document and takes the answer', async () => {
    const { session, media, invite } = await establishedBench();
    session.setFormats([[PCMA], [PCMA]]);
    expect(invite().updates[0]?.streams?.map(({ formats }) => formats)).toEqual([[PCMA], [PCMA]]);
    expect(dataMode(invite().updates[0]?.metadata)).toBe('complete');
    invite().pendingUpdates[0]?.resolve([answer(9000), answer(9002)]);
    await settled();
    expect(media.remotes.at(-1)).toEqual([answer(9000), answer(9002)]);
  });

  test('tells changed facts by a partial document alone', async () => {
    const { session, media, invite, metadata } = await establishedBench();
    metadata.setActivity('callee', { sends: false, receives: true }, T0 + 1);
    session.metadataChanged();
    expect(invite().updates).toHaveLength(1);
    expect(invite().updates[0]).not.toHaveProperty('streams');
    expect(dataMode(invite().updates[0]?.metadata)).toBe('partial');
    invite().pendingUpdates[0]?.resolve([answer(1), answer(2)]);
    await settled();
    // Without an offer there was no answer.
    expect(media.remotes).toEqual([ANSWERS]);
    expect(session.state).toBe('established');
  });

  test('sends nothing when the facts are the same after all', async () => {
    const { session, invite } = await establishedBench();
    session.metadataChanged();
    await settled();
    expect(invite().updates).toEqual([]);
    expect(session.state).toBe('established');
  });

  test('tells the facts that changed while the SRS was asked', async () => {
    const { session, invite, metadata } = bench();
    session.setDesired('recording', FORMATS);
    metadata.setActivity('callee', { sends: false, receives: true }, T0 + 1);
    session.metadataChanged();
    invite().accept();
    await settled();
    expect(invite().updates).toHaveLength(1);
    expect(dataMode(invite().updates[0]?.metadata)).toBe('partial');
  });

  test('makes one update of two changes that come while another is in flight', async () => {
    const { session, invite, metadata } = await establishedBench();
    session.setFormats([[PCMA], [PCMA]]);
    metadata.setActivity('callee', { sends: false, receives: true }, T0 + 1);
    session.metadataChanged();
    session.setFormats([[PCMU], [PCMU]]);
    await settled();
    expect(invite().updates).toHaveLength(1);
    invite().pendingUpdates[0]?.resolve(ANSWERS);
    await settled();
    expect(invite().updates).toHaveLength(2);
    expect(invite().updates[1]?.streams?.map(({ formats }) => formats)).toEqual([[PCMU], [PCMU]]);
    expect(dataMode(invite().updates[1]?.metadata)).toBe('complete');
    invite().pendingUpdates[1]?.resolve(ANSWERS);
    await settled();
    expect(invite().updates).toHaveLength(2);
    expect(session.state).toBe('established');
  });

  test('goes on recording when an update fails, and the next change is sent', async () => {
    const { session, invite, failures, media } = await establishedBench();
    session.setFormats([[PCMA], [PCMA]]);
    invite().pendingUpdates[0]?.reject(new GatewayError('REC_ERR_SIP_SRS_REFUSED', '488'));
    await settled();
    expect(session.state).toBe('established');
    expect(failures).toEqual(['p1: update-failed']);
    expect(media.remotes).toEqual([ANSWERS]);
    session.setFormats([[PCMU], [PCMU]]);
    expect(invite().updates).toHaveLength(2);
  });

  test('answers a snapshot request with all streams and a complete document', async () => {
    const { invite } = await establishedBench();
    invite().events.snapshotRequested('restarted');
    expect(invite().updates).toHaveLength(1);
    expect(invite().updates[0]?.streams?.map(({ label }) => label)).toEqual(['1', '2']);
    expect(dataMode(invite().updates[0]?.metadata)).toBe('complete');
  });

  test('answers a snapshot request that comes in the middle of an update afterwards', async () => {
    const { session, invite, metadata } = await establishedBench();
    metadata.setActivity('callee', { sends: false, receives: true }, T0 + 1);
    session.metadataChanged();
    invite().events.snapshotRequested(null);
    expect(invite().updates).toHaveLength(1);
    invite().pendingUpdates[0]?.resolve(ANSWERS);
    await settled();
    expect(invite().updates).toHaveLength(2);
    expect(dataMode(invite().updates[1]?.metadata)).toBe('complete');
  });

  test('lists each stream whose port nobody listens on once', async () => {
    const { session } = await establishedBench();
    session.markUnreachable('2');
    session.markUnreachable('2');
    expect(session.facts().unreachableLabels).toEqual(['2']);
  });
});
