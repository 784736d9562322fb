import { PCMA, PCMU } from '#core';
import { type RecordingReport } from '#media';

import {
  answer,
  ANSWERS,
  bench,
  dataMode,
  Deferred,
  DRAIN_MS,
  establishedBench,
  FORMATS,
  settled,
  T0,
} from './recording-session-bench';

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
