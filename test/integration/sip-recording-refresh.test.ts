import { describeOnEmbedded } from '../support/on-embedded';
import {
  answerSdp,
  endRecording,
  establishRecording,
  METADATA,
  recordingInvite,
  RecordingEvents,
  streams,
} from '../support/raw-srs';
import { recordingClientBench } from '../support/recording-client-bench';
import { waitUntil } from '../support/wait-until';

// Intervals of seconds instead of minutes; refreshes then come within a test.
const bench = recordingClientBench({ minSessionExpiresS: 2 });

const originOf = (sdp: string): string => /^o=.*$/m.exec(sdp)?.[0] ?? '';

describeOnEmbedded('the session timer of a recording session (RFC 4028)', () => {
  it('is asked for as the provider wants it, again after a 422, and refreshed by UPDATE alone', async () => {
    const events = new RecordingEvents();
    const invited = bench.stack.srsClient.invite(
      recordingInvite(bench.srs, { sessionExpiresS: 120 }),
      events,
      new AbortController().signal,
    );
    const refused = await bench.srs.request('INVITE');
    expect(refused.get('session-expires')).toBe('120');
    expect(refused.get('supported')).toContain('timer');
    bench.srs.reply(refused, '422 Session Interval Too Small', { headers: { 'Min-SE': '600' } });
    await bench.srs.request('ACK');
    const invite = await bench.srs.request('INVITE');
    expect(invite.get('session-expires')).toBe('600');
    expect(invite.get('min-se')).toBe('600');
    expect(invite.body).toContain(METADATA);
    bench.srs.reply(invite, '200 OK', {
      body: answerSdp([6_000, 6_002]),
      headers: { Allow: 'INVITE, ACK, BYE, UPDATE', 'Session-Expires': '2;refresher=uac' },
    });
    const dialog = await invited;
    await bench.srs.request('ACK');
    const refresh = await bench.srs.request('UPDATE');
    expect(refresh.body).toBe('');
    expect(refresh.get('content-type')).toBeUndefined();
    expect(refresh.get('session-expires')).toBe('2;refresher=uac');
    expect(refresh.get('contact')).toMatch(/;\+sip\.src$/);
    bench.srs.reply(refresh, '200 OK', { headers: { 'Session-Expires': '120;refresher=uac' } });
    const gone = dialog.bye();
    bench.srs.reply(await bench.srs.request('BYE'), '200 OK');
    await gone;
    expect(events.ends).toEqual([]);
  });

  it('is refreshed toward an SRS without UPDATE by our newest SDP, labels and version included', async () => {
    const timer = { 'Session-Expires': '2;refresher=uac' };
    const recording = await establishRecording(bench, { ...timer, Allow: 'INVITE, ACK, BYE' });
    const first = await bench.srs.request('INVITE');
    expect(first.get('content-type')).toBe('application/sdp');
    expect(first.body.match(/a=label:\d/g)).toEqual(['a=label:1', 'a=label:2']);
    // RFC 4028 §7.4: the same origin line says that nothing has changed.
    expect(originOf(first.body)).toBe(originOf(recording.invite.body));
    bench.srs.reply(first, '200 OK', { body: answerSdp([6_000, 6_002]), headers: timer });
    await bench.srs.request('ACK');

    const pause = recording.dialog.update({ streams: streams('inactive'), metadata: METADATA });
    const change = await bench.srs.request('INVITE');
    bench.srs.reply(change, '200 OK', {
      body: answerSdp([6_000, 6_002], 'inactive'),
      headers: timer,
    });
    await bench.srs.request('ACK');
    await pause;

    const second = await bench.srs.request('INVITE');
    expect(second.body.match(/a=(?:inactive|label:\d)/g)).toEqual([
      'a=inactive',
      'a=label:1',
      'a=inactive',
      'a=label:2',
    ]);
    expect(originOf(second.body)).toBe(originOf(change.body));
    bench.srs.reply(second, '200 OK', { body: answerSdp([6_000, 6_002], 'inactive') });
    await bench.srs.request('ACK');
    await endRecording(bench.srs, recording);
    expect(recording.events.answers).toEqual([]);
  });

  it('is kept by an SRS that refreshes, and the session is lost when it stops', async () => {
    const timer = { 'Session-Expires': '2;refresher=uas', Require: 'timer' };
    const recording = await establishRecording(bench, timer);
    const refresh = { Supported: 'timer', 'Session-Expires': '2;refresher=uac' };
    recording.srsDialog.send('INVITE', { body: answerSdp([6_000, 6_002]), headers: refresh });
    const ok = await bench.srs.response(200, 'INVITE');
    recording.srsDialog.acknowledge(ok);
    expect(ok.get('session-expires')).toBe('2;refresher=uac');
    expect(ok.get('require')).toContain('timer');
    expect(ok.body.match(/a=sendonly/g)).toHaveLength(2);
    recording.srsDialog.send('UPDATE', { headers: refresh });
    const update = await bench.srs.response(200, 'UPDATE');
    expect(update.get('session-expires')).toBe('2;refresher=uac');
    expect(update.body).toBe('');
    expect(recording.events.ends).toEqual([]);

    const bye = await bench.srs.request('BYE');
    expect(bye.get('reason')).toContain('Session timer expired');
    bench.srs.reply(bye, '200 OK');
    await waitUntil(() => recording.events.ends.length === 1, 'the loss is told');
    expect(recording.events.ends).toMatchObject([{ cause: 'session-expired' }]);
  });
});

describe('re-INVITEs that cross in a recording session (RFC 3261 §14)', () => {
  const ports = (recording: Awaited<ReturnType<typeof establishRecording>>): unknown =>
    recording.dialog.streams.map(stream => stream?.rtp?.port ?? null);

  it('the SRS gets our 491, asks again, and both sides agree', async () => {
    const recording = await establishRecording(bench);
    const pause = recording.dialog.update({ streams: streams('inactive'), metadata: METADATA });
    const ours = await bench.srs.request('INVITE');
    recording.srsDialog.send('INVITE', { body: answerSdp([7_000, 7_002]) });
    recording.srsDialog.acknowledgeFailure(await bench.srs.response(491, 'INVITE'));
    bench.srs.reply(ours, '200 OK', { body: answerSdp([6_000, 6_002], 'inactive') });
    await bench.srs.request('ACK');
    await pause;
    recording.srsDialog.send('INVITE', { body: answerSdp([7_000, 7_002]) });
    const answer = await bench.srs.response(200, 'INVITE');
    recording.srsDialog.acknowledge(answer);
    // We are paused, whatever the SRS would take.
    expect(answer.body.match(/a=inactive/g)).toHaveLength(2);
    expect(ports(recording)).toEqual([7_000, 7_002]);
    expect(recording.events.answers).toHaveLength(1);
    await endRecording(bench.srs, recording);
  });

  it('we get the 491 of the SRS, take its offer meanwhile, ask again, and both sides agree', async () => {
    const recording = await establishRecording(bench);
    const pause = recording.dialog.update({ streams: streams('inactive'), metadata: METADATA });
    bench.srs.reply(await bench.srs.request('INVITE'), '491 Request Pending');
    await bench.srs.request('ACK');
    recording.srsDialog.send('INVITE', { body: answerSdp([7_000, 7_002]) });
    const answer = await bench.srs.response(200, 'INVITE');
    recording.srsDialog.acknowledge(answer);
    // What the SRS has not accepted yet is not in force.
    expect(answer.body.match(/a=sendonly/g)).toHaveLength(2);
    const again = await bench.srs.request('INVITE');
    expect(again.body.match(/a=inactive/g)).toHaveLength(2);
    bench.srs.reply(again, '200 OK', { body: answerSdp([7_004, 7_006], 'inactive') });
    await bench.srs.request('ACK');
    await pause;
    expect(ports(recording)).toEqual([7_004, 7_006]);
    await endRecording(bench.srs, recording);
  });
});
