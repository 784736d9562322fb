import { findPart, isSipError, readMultipart, type SipErrorCode } from '#sip';
import { RawSipPeer } from '../support/raw-sip-peer';
import {
  answerSdp,
  endRecording,
  establishRecording,
  METADATA,
  type RawRecording,
  recordingInvite,
  RecordingEvents,
  streams,
} from '../support/raw-srs';
import { recordingClientBench } from '../support/recording-client-bench';
import { waitUntil } from '../support/wait-until';

const bench = recordingClientBench();

function established(allow?: string): Promise<RawRecording> {
  return establishRecording(bench, allow === undefined ? {} : { Allow: allow });
}

function end(recording: RawRecording): Promise<void> {
  return endRecording(bench.srs, recording);
}

async function expectRefusal(promise: Promise<unknown>, code: SipErrorCode): Promise<unknown> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isSipError(error, code) ? code : error).toBe(code);
  return error;
}

describe('inviting an SRS', () => {
  it('sends SDP and metadata as RFC 7866 wants them, over TCP', async () => {
    const recording = await established();
    const { invite } = recording;
    expect(invite.get('via')).toContain('SIP/2.0/TCP');
    expect(invite.get('require')).toBe('siprec');
    expect(invite.get('contact')).toMatch(
      /^<sip:gateway@127\.0\.0\.1:\d+;transport=tcp>;\+sip\.src$/,
    );
    expect(invite.get('accept')).toContain('application/rs-metadata');
    expect(invite.get('from')).toContain('"Recorder Client" <sip:gateway@example.org>');
    expect(Number(invite.get('content-length'))).toBe(Buffer.byteLength(invite.body));
    const { parts, closed } = readMultipart(invite.get('content-type') ?? '', invite.body);
    expect(closed).toBe(true);
    expect(parts.map(part => [part.mediaType, part.disposition])).toEqual([
      ['application/sdp', null],
      ['application/rs-metadata+xml', 'recording-session'],
    ]);
    expect(parts[1]?.body.toString()).toBe(METADATA);
    const sdp = parts[0]?.body.toString() ?? '';
    expect(sdp.match(/a=label:\d/g)).toEqual(['a=label:1', 'a=label:2']);
    expect(sdp.match(/a=sendonly/g)).toHaveLength(2);
    expect(recording.dialog.sipCallId).toBe(invite.get('call-id'));
    expect(recording.dialog.streams.map(stream => stream?.rtp?.port)).toEqual([6_000, 6_002]);
    expect(recording.dialog.streams[0]).toMatchObject({ sends: false, receives: true });
    await end(recording);
  });

  it('follows the profile: other tag, no Require, old media type, metadata first', async () => {
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs, {
        profile: {
          requireSiprec: false,
          contactTag: 'src',
          metadataType: 'application/rs-metadata',
          partOrder: 'metadata-first',
          extraHeaders: { 'X-Correlation': '42' },
        },
      }),
      new RecordingEvents(),
      new AbortController().signal,
    );
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '403 Forbidden');
    expect(await expectRefusal(promise, 'REC_ERR_SIP_SRS_REFUSED')).toMatchObject({
      details: { status: 403 },
    });
    expect(invite.get('require')).toBeUndefined();
    expect(invite.get('contact')).toMatch(/;src$/);
    expect(invite.get('x-correlation')).toBe('42');
    const { parts } = readMultipart(invite.get('content-type') ?? '', invite.body);
    expect(parts.map(part => part.mediaType)).toEqual([
      'application/rs-metadata',
      'application/sdp',
    ]);
  });

  it('takes port 0 as a refused stream and inactive as not receiving', async () => {
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs),
      new RecordingEvents(),
      new AbortController().signal,
    );
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '200 OK', { body: answerSdp([0, 6_002], 'inactive') });
    const dialog = await promise;
    await bench.srs.request('ACK');
    expect(dialog.streams[0]).toBeNull();
    expect(dialog.streams[1]).toMatchObject({ receives: false, rtp: { port: 6_002 } });
    const gone = dialog.bye({ metadata: METADATA, reason: 'SIP;cause=200' });
    const bye = await bench.srs.request('BYE');
    bench.srs.reply(bye, '200 OK');
    await gone;
    expect(bye.body).toBe(METADATA);
    expect(bye.get('content-disposition')).toBe('recording-session');
    expect(bye.get('reason')).toBe('SIP;cause=200');
  });

  it.each([
    ['without SDP', ''],
    ['with fewer m-lines', answerSdp([6_000])],
    ['that is garbage', 'x'],
  ])('ends a session with an answer %s', async (_what, body) => {
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs),
      new RecordingEvents(),
      new AbortController().signal,
    );
    const refused = expectRefusal(promise, 'REC_ERR_SIP_SRS_BAD_ANSWER');
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '200 OK', { body });
    await bench.srs.request('ACK');
    bench.srs.reply(await bench.srs.request('BYE'), '200 OK');
    await refused;
  });

  it('gives up in time, and ends an answer that comes too late', async () => {
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs, { answerTimeoutMs: 200 }),
      new RecordingEvents(),
      new AbortController().signal,
    );
    const refused = expectRefusal(promise, 'REC_ERR_SIP_SRS_TIMEOUT');
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '180 Ringing');
    await refused;
    bench.srs.reply(await bench.srs.request('CANCEL'), '200 OK');
    bench.srs.reply(invite, '200 OK', { body: answerSdp([6_000, 6_002]) });
    await bench.srs.request('ACK');
    bench.srs.reply(await bench.srs.request('BYE'), '200 OK');
  });

  it('is given up by its AbortSignal', async () => {
    const controller = new AbortController();
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs),
      new RecordingEvents(),
      controller.signal,
    );
    const refused = expectRefusal(promise, 'REC_ERR_SIP_ABORTED');
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '180 Ringing');
    controller.abort();
    await refused;
    bench.srs.reply(await bench.srs.request('CANCEL'), '200 OK');
    bench.srs.reply(invite, '487 Request Terminated');
  });

  it('says that nobody listens there', async () => {
    const nowhere = await RawSipPeer.open('nowhere');
    const srsUri = `${nowhere.uri};transport=tcp`;
    await nowhere.close();
    const promise = bench.stack.srsClient.invite(
      recordingInvite(bench.srs, { srsUri }),
      new RecordingEvents(),
      new AbortController().signal,
    );
    await expectRefusal(promise, 'REC_ERR_SIP_SRS_UNREACHABLE');
  });
});

describe('an established recording session', () => {
  it('pauses and resumes by re-INVITE with SDP and metadata, its version growing', async () => {
    const recording = await established();
    const versions: number[] = [];
    for (const direction of ['inactive', 'sendonly'] as const) {
      const update = recording.dialog.update({ streams: streams(direction), metadata: METADATA });
      const request = await bench.srs.request('INVITE');
      bench.srs.reply(request, '200 OK', {
        body: answerSdp([6_000, 6_002], direction === 'inactive' ? 'inactive' : 'recvonly'),
      });
      await bench.srs.request('ACK');
      const answers = await update;
      expect(answers.map(answer => answer?.receives)).toEqual([
        direction === 'sendonly',
        direction === 'sendonly',
      ]);
      expect(request.get('require')).toBe('siprec');
      expect(request.get('contact')).toMatch(/;\+sip\.src$/);
      const { parts } = readMultipart(request.get('content-type') ?? '', request.body);
      const sdp = findPart(parts, part => part.mediaType === 'application/sdp')?.body.toString();
      expect(sdp).toContain(`a=${direction}\r\na=label:2`);
      versions.push(Number(/o=\S+ \d+ (\d+)/.exec(sdp ?? '')?.[1]));
    }
    expect(versions).toEqual([2, 3]);
    await end(recording);
  });

  it('sends metadata alone by UPDATE, or by re-INVITE to an SRS without UPDATE', async () => {
    const first = await established();
    const update = first.dialog.update({ metadata: METADATA });
    const request = await bench.srs.request('UPDATE');
    bench.srs.reply(request, '200 OK');
    await update;
    expect(request.get('content-type')).toBe('application/rs-metadata+xml');
    expect(request.get('content-disposition')).toBe('recording-session');
    expect(request.body).toBe(METADATA);
    await end(first);
    const second = await established('INVITE, ACK, BYE');
    const reinvite = second.dialog.update({ metadata: METADATA });
    const invite = await bench.srs.request('INVITE');
    bench.srs.reply(invite, '200 OK', { body: answerSdp([6_000, 6_002]) });
    await bench.srs.request('ACK');
    await reinvite;
    expect(invite.get('content-type')).toMatch(/^multipart\/mixed;boundary=/);
    await end(second);
  });

  it('sends changes one after the other, and tries again after 491', async () => {
    const recording = await established();
    const pause = recording.dialog.update({ streams: streams('inactive') });
    const resume = recording.dialog.update({ streams: streams('sendonly') });
    bench.srs.reply(await bench.srs.request('INVITE'), '491 Request Pending');
    await bench.srs.request('ACK');
    for (const direction of ['inactive', 'sendonly']) {
      const request = await bench.srs.request('INVITE');
      expect(request.body).toContain(`a=${direction}`);
      bench.srs.reply(request, '200 OK', { body: answerSdp([6_000, 6_002]) });
      await bench.srs.request('ACK');
    }
    await Promise.all([pause, resume]);
    await end(recording);
  });

  it('stays as it was when the SRS refuses a change', async () => {
    const recording = await established();
    const update = recording.dialog.update({ streams: streams('inactive') });
    bench.srs.reply(await bench.srs.request('INVITE'), '488 Not Acceptable Here');
    expect(await expectRefusal(update, 'REC_ERR_SIP_SRS_REFUSED')).toMatchObject({
      details: { status: 488 },
    });
    expect(recording.dialog.streams[0]?.receives).toBe(true);
    await end(recording);
    expect(recording.events.ends).toHaveLength(0);
  });

  it('is lost when the SRS does not know it any more', async () => {
    const recording = await established();
    const update = recording.dialog.update({ streams: streams('inactive') });
    const refused = expectRefusal(update, 'REC_ERR_SIP_SRS_REFUSED');
    bench.srs.reply(await bench.srs.request('INVITE'), '481 Call Does Not Exist');
    await refused;
    expect(recording.events.ends).toEqual([{ cause: 're-invite-failed', reason: 'SIP;cause=481' }]);
    bench.srs.reply(await bench.srs.request('BYE'), '481 Call Does Not Exist');
  });

  it('answers a snapshot request and passes it on with its reason', async () => {
    const recording = await established();
    recording.srsDialog.send('UPDATE', {
      body: '<?xml version="1.0"?><requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1"><requestreason xml:lang="en">lost &amp; found</requestreason></requestsnapshot>',
      contentType: 'application/rs-metadata',
      headers: { 'Content-Disposition': 'recording-session' },
    });
    await bench.srs.response(200, 'UPDATE');
    expect(recording.events.snapshots).toEqual(['lost & found']);
    await end(recording);
  });

  it('follows a re-INVITE of the SRS to a new address and to inactive', async () => {
    const recording = await established();
    recording.srsDialog.send('INVITE', { body: answerSdp([7_000, 7_002], 'recvonly') });
    const first = await bench.srs.response(200, 'INVITE');
    recording.srsDialog.acknowledge(first);
    expect(first.body.match(/a=sendonly/g)).toHaveLength(2);
    expect(first.get('contact')).toMatch(/;\+sip\.src$/);
    recording.srsDialog.send('INVITE', { body: answerSdp([7_000, 0], 'inactive') });
    const second = await bench.srs.response(200, 'INVITE');
    recording.srsDialog.acknowledge(second);
    expect(second.body).toContain('a=inactive');
    expect(second.body).toMatch(/m=audio 0 RTP\/AVP/);
    expect(
      recording.events.answers.map(answers => answers.map(answer => answer?.rtp?.port ?? null)),
    ).toEqual([
      [7_000, 7_002],
      [7_000, null],
    ]);
    await end(recording);
  });

  it('makes the offer when the SRS sends an offerless re-INVITE', async () => {
    const recording = await established();
    recording.srsDialog.send('INVITE');
    const ok = await bench.srs.response(200, 'INVITE');
    expect(ok.body.match(/a=label/g)).toHaveLength(2);
    recording.srsDialog.acknowledge(ok, { body: answerSdp([7_100, 7_102]) });
    await waitUntil(() => recording.events.answers.length === 1, 'the answer has changed');
    expect(recording.dialog.streams[0]?.rtp?.port).toBe(7_100);
    await end(recording);
  });

  it('refuses a bad offer of the SRS and goes on', async () => {
    const recording = await established();
    for (const [body, status] of [
      [answerSdp([7_000]), 488],
      ['v=0\r\nm=audio\r\n', 400],
    ] as const) {
      recording.srsDialog.send('INVITE', { body });
      recording.srsDialog.acknowledgeFailure(await bench.srs.response(status, 'INVITE'));
    }
    expect(recording.events.answers).toHaveLength(0);
    await end(recording);
  });

  it('answers INFO and OPTIONS', async () => {
    const recording = await established();
    for (const method of ['INFO', 'OPTIONS']) {
      recording.srsDialog.send(method);
      const answer = await bench.srs.response(200, method);
      expect(answer.get('contact')).toMatch(/;\+sip\.src$/);
    }
    await end(recording);
  });

  it('ends with the SRS’s BYE, and our bye afterwards sends nothing', async () => {
    const recording = await established();
    recording.srsDialog.send('BYE', { headers: { Reason: 'SIP;cause=503;text="disk full"' } });
    await bench.srs.response(200, 'BYE');
    expect(recording.events.ends).toEqual([
      { cause: 'bye', reason: 'SIP;cause=503;text="disk full"' },
    ]);
    await recording.dialog.bye();
    await expectRefusal(recording.dialog.update({ metadata: METADATA }), 'REC_ERR_SIP_DIALOG_GONE');
  });
});
