import { PCMA, PCMU } from '#core';
import { RFC7866_PROFILE } from '#sip';

import {
  answer,
  bench,
  dataMode,
  endpoint,
  establishedBench,
  FORMATS,
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
