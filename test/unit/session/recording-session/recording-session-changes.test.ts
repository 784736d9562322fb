import { GatewayError, PCMA, PCMU } from '#core';

import {
  answer,
  ANSWERS,
  bench,
  dataMode,
  establishedBench,
  FORMATS,
  settled,
  T0,
} from './recording-session-bench';

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
