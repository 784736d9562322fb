import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noopLogger, systemClock } from '#core';
import { scanTones } from '../../src/lab/audio/tone-detector';
import { readWav } from '../../src/lab/audio/wav-reader';
import {
  type ReferenceSrs,
  type ReferenceSrsOptions,
  startReferenceSrs,
} from '../../src/lab/reference-srs';
import { parseSdp } from '../../src/lab/sip/sdp';
import { type Recording } from '../../src/lab/srs/recording';
import { HandMadeSrc, metadataDocument, type MessageOptions } from './lab-support/hand-made-src';

let outDir: string;
const closers: (() => Promise<void>)[] = [];

beforeEach(() => {
  outDir = mkdtempSync(join(tmpdir(), 'lab-srs-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
  rmSync(outDir, { recursive: true });
});

async function startSrs(options: Partial<ReferenceSrsOptions> = {}): Promise<ReferenceSrs> {
  const srs = await startReferenceSrs({
    host: '127.0.0.1',
    port: 0,
    transports: ['udp', 'tcp'],
    outDir,
    clock: systemClock,
    logger: noopLogger,
    timers: { t1Ms: 50, t2Ms: 200, t4Ms: 200 },
    ...options,
  });
  closers.push(() => srs.close());
  return srs;
}

async function openSrc(transport: 'udp' | 'tcp' = 'tcp'): Promise<HandMadeSrc> {
  const src = await HandMadeSrc.open(transport);
  closers.push(() => src.close());
  return src;
}

/** A session between a conformant SRC and an SRS. */
async function session(
  options: Partial<ReferenceSrsOptions> = {},
  invite: MessageOptions = {},
  transport: 'udp' | 'tcp' = 'tcp',
): Promise<{ srs: ReferenceSrs; src: HandMadeSrc; recording: Recording }> {
  const srs = await startSrs(options);
  const src = await openSrc(transport);
  const response = await src.invite(srs.uri(transport), invite);
  expect(response.status).toBe(200);
  return { srs, src, recording: await srs.waitForRecording() };
}

async function ended(src: HandMadeSrc, recording: Recording): Promise<void> {
  src.stopMedia();
  await src.send('BYE');
  await recording.until(() => recording.state === 'ended');
}

async function packets(recording: Recording, count: number): Promise<void> {
  await recording.until(
    () =>
      recording.streams.length > 0 && recording.streams.every(stream => stream.packets >= count),
    10_000,
    `${count} packets in each stream`,
  );
}

function names(recording: Recording): string[] {
  return recording.deviations.map(({ name }) => name);
}

describe.each(['udp', 'tcp'] as const)('the reference SRS over %s', transport => {
  it('records a conformant SRC without a complaint', async () => {
    const { srs, src, recording } = await session({}, {}, transport);
    src.startMedia();
    await packets(recording, 5);
    src.sendReports();
    await packets(recording, 50);
    await ended(src, recording);

    expect(recording.deviations).toEqual([]);
    expect(recording.endedBy).toBe('src-bye');
    expect(recording.streams).toMatchObject([
      { label: '1', channel: 1, lost: 0, senderReports: 1, cnames: ['s0@src'] },
      { label: '2', channel: 2, lost: 0, senderReports: 1, cnames: ['s1@src'] },
    ]);
    const [one, two] = readWav(recording.wavPath).channels.map(channel =>
      scanTones(channel.subarray(800, 6400), [500, 900]),
    );
    expect(one?.every(({ hz, isAlone }) => hz === 500 && isAlone)).toBe(true);
    expect(two?.every(({ hz, isAlone }) => hz === 900 && isAlone)).toBe(true);
    expect(srs.counters.dialogs).toBe(0);
  });
});

describe('the evidence of a session', () => {
  it('holds every message and document byte for byte, and a verdict', async () => {
    const { src, recording } = await session();
    await src.send('UPDATE', {
      metadata: metadataDocument('partial').replace(/<label>.*<\/label>/g, ''),
    });
    await ended(src, recording);
    const files = readdirSync(join(recording.directory, 'sip'));
    const methods = files.map(
      file => readFileSync(join(recording.directory, 'sip', file), 'utf8').split(' ')[0],
    );
    expect(methods).toEqual(['INVITE', 'ACK', 'UPDATE', 'BYE']);
    expect(readFileSync(join(recording.directory, 'metadata/001.xml'), 'utf8')).toBe(
      metadataDocument(),
    );
    expect(readdirSync(join(recording.directory, 'metadata'))).toHaveLength(2);
    const verdict: unknown = JSON.parse(
      readFileSync(join(recording.directory, 'verdict.json'), 'utf8'),
    );
    expect(verdict).toMatchObject({
      conformant: true,
      endedBy: 'src-bye',
      documents: 2,
      streams: [
        { label: '1', parties: [{ aor: 'sip:alice@example.com', name: 'Alice' }] },
        { label: '2', parties: [{ aor: 'sip:bob@example.com', name: null }] },
      ],
    });
  });

  it('stays within its bounds', async () => {
    const { src, recording } = await session({ evidence: { maxFiles: 2 } });
    await src.send('OPTIONS');
    await ended(src, recording);
    expect(readdirSync(join(recording.directory, 'sip'))).toHaveLength(2);
    expect(recording.verdict()).toMatchObject({ evidenceDropped: 2 });
  });

  it('is in the WAV while the session lasts, and can be shifted to another time 0', async () => {
    const { src, recording } = await session();
    src.startMedia();
    await packets(recording, 30);
    const duringFrames = readWav(recording.wavPath).channels[0]?.length ?? 0;
    expect(duringFrames).toBeGreaterThan(1600);
    const startMs = recording.startWallMs ?? 0;
    const path = join(outDir, 'shifted.wav');
    recording.exportWav({ path, zeroAtMs: startMs - 250 });
    const shifted = readWav(path).channels[0] ?? new Int16Array(0);
    expect(shifted.subarray(0, 2000).every(sample => sample === 0)).toBe(true);
    expect(scanTones(shifted.subarray(2400, 3200), [500])[0]?.hz).toBe(500);
    recording.exportWav({ path, zeroAtMs: startMs + 100 });
    expect(readWav(path).channels[0]?.length).toBeLessThan(shifted.length - 2700);
    await ended(src, recording);
  });

  it('aligns two streams by their sender reports although one came late', async () => {
    const { src, recording } = await session();
    const [first, second] = src.streams;
    first?.sender.start();
    await recording.until(() => (recording.streams[0]?.packets ?? 0) >= 10);
    // The second stream's packets are held back: they were spoken now but arrive later.
    const held: Buffer[] = [];
    const target = src.mediaTarget(1, 'rtp');
    const sockets = second?.sockets;
    const originalSend = sockets?.sendRtp.bind(sockets);
    if (sockets === undefined || originalSend === undefined || target === null) {
      throw new Error('no second stream');
    }
    sockets.sendRtp = packet => void held.push(Buffer.from(packet));
    second?.sender.start();
    const spokenAtMs = systemClock.wallNowMs();
    await recording.until(() => held.length >= 15);
    sockets.sendRtp = originalSend;
    for (const packet of held) {
      originalSend(packet, target);
    }
    await packets(recording, 20);
    src.sendReports();
    await recording.until(() => recording.streams.every(({ senderReports }) => senderReports > 0));
    await ended(src, recording);
    const channel = readWav(recording.wavPath).channels[1] ?? new Int16Array(0);
    const firstSample = channel.findIndex(sample => Math.abs(sample) > 100);
    const heardAtMs = (recording.startWallMs ?? 0) + firstSample / 8;
    expect(Math.abs(heardAtMs - spokenAtMs)).toBeLessThan(60);
  });
});

describe('an SRC that is not quite right', () => {
  const wrong: [string, string, MessageOptions][] = [
    ['no Require: siprec', 'missing-require', { require: null }],
    ['no +sip.src', 'missing-src-tag', { contact: '<sip:src@127.0.0.1:9>' }],
    ['no Accept', 'accept', { accept: null }],
    ['no Content-Disposition', 'content-disposition', { disposition: null }],
    ['no closing delimiter', 'multipart-broken', { withoutClosing: true }],
    ['no metadata', 'metadata-not-in-invite', { metadata: null }],
    ['a partial document first', 'metadata', { metadata: metadataDocument('partial') }],
    ['broken XML', 'metadata', { metadata: '<recording' }],
    [
      'a label that the SDP lacks',
      'metadata',
      { metadata: metadataDocument().replace('<label>2<', '<label>7<') },
    ],
  ];

  it.each(wrong)('%s is recorded all the same, and noted as %s', async (_what, name, options) => {
    const { recording } = await session({}, options);
    expect(names(recording)).toContain(name);
  });

  const edits: [string, string, (line: string) => string][] = [
    ['has no label', 'missing-label', line => (line === 'a=label:2' ? '' : line)],
    ['has one label twice', 'duplicate-label', line => (line === 'a=label:2' ? 'a=label:1' : line)],
    ['is sendrecv', 'direction', line => (line === 'a=sendonly' ? 'a=sendrecv' : line)],
  ];

  it.each(edits)('an offer that %s is noted as %s', async (_what, name, edit) => {
    const srs = await startSrs();
    const src = await openSrc();
    await src.invite(srs.uri('tcp'), { sdp: src.sdp('sendonly', edit) });
    expect(names(await srs.waitForRecording())).toContain(name);
  });

  it('is told of a body that changes without its version', async () => {
    const { src, recording } = await session();
    await src.send('INVITE', { sdp: src.sdp('inactive') });
    expect(names(recording)).toEqual(['sdp-version']);
  });

  it('is told of media in a pause, once the pause is agreed', async () => {
    const { src, recording } = await session();
    src.startMedia();
    await packets(recording, 5);
    src.sdpVersion += 1;
    const response = await src.send('INVITE', { sdp: src.sdp('inactive') });
    expect(parseSdp(response.body.toString()).media.map(({ direction }) => direction)).toEqual([
      'inactive',
      'inactive',
    ]);
    await recording.until(() => names(recording).includes('rtp-while-inactive'));
    expect(names(recording)).toEqual(['rtp-while-inactive']);
  });

  it('is told of gaps, changed SSRCs and formats that were not agreed', async () => {
    const { src, recording } = await session();
    const [stream] = src.streams;
    stream?.sender.start();
    await recording.until(() => (recording.streams[0]?.packets ?? 0) >= 3);
    stream?.sender.changeSsrc();
    stream?.sender.setFormats({ encoding: 'PCMU', payloadType: 96, eventPayloadType: null });
    await recording.until(() => names(recording).includes('rtp-format'));
    expect(names(recording)).toEqual(expect.arrayContaining(['ssrc-changed', 'rtp-format']));
  });

  it('is told that sender reports are missing', async () => {
    const { src, recording } = await session({ rtcpDueMs: 100 });
    src.startMedia();
    await packets(recording, 15);
    await ended(src, recording);
    expect(names(recording)).toEqual(['rtcp-missing', 'rtcp-missing']);
  });

  it('is told of media from another port than its SDP says', async () => {
    const srs = await startSrs();
    const src = await openSrc();
    const lie = (line: string): string => line.replace(/^m=audio \d+/, 'm=audio 9');
    await src.invite(srs.uri('tcp'), { sdp: src.sdp('sendonly', lie) });
    const recording = await srs.waitForRecording();
    src.startMedia();
    await recording.until(() => names(recording).includes('rtp-asymmetric'));
    expect(new Set(names(recording))).toEqual(new Set(['rtp-asymmetric']));
  });

  it('is told of a CSeq that leaps, and of a document in an UPDATE whose labels have no SDP', async () => {
    const { src, recording } = await session();
    await src.send('PUBLISH').catch(() => null);
    await src.send('UPDATE', { metadata: metadataDocument() });
    expect(new Set(names(recording))).toEqual(new Set(['metadata']));
    src.dialog = src.skipCSeq();
    expect((await src.send('OPTIONS')).status).toBe(200);
    expect(new Set(names(recording))).toEqual(new Set(['metadata', 'cseq']));
  });

  it('may re-INVITE without an offer, and answers ours in the ACK', async () => {
    const { src, recording } = await session();
    src.sdpVersion += 1;
    const response = await src.dialog?.request('INVITE', { ackBody: () => src.sdp('inactive') });
    expect(response?.status).toBe(200);
    expect(parseSdp(response?.body.toString() ?? '').media).toHaveLength(2);
    await src.send('OPTIONS');
    expect(names(recording)).toEqual([]);
  });

  it('is told that no metadata came at all', async () => {
    const { src, recording } = await session({}, { metadata: null });
    await ended(src, recording);
    expect(names(recording)).toContain('no-metadata');
  });

  it('is told that a requested snapshot did not come', async () => {
    const { recording } = await session();
    expect((await recording.requestSnapshot('test')).status).toBe(200);
    await recording.until(() => names(recording).length > 0);
    expect(names(recording)).toEqual(['snapshot-missing']);
  });

  it('gets 400 without SDP and for SDP that cannot be read, 488 without a usable stream', async () => {
    const srs = await startSrs();
    const statuses: number[] = [];
    for (const sdp of [null, 'garbage', undefined]) {
      const src = await openSrc();
      const usable = src.sdp('sendonly', line => line.replace('RTP/AVP 0 8 101', 'RTP/AVP 18'));
      statuses.push(
        (await src.invite(srs.uri('tcp'), { sdp: sdp === undefined ? usable : sdp })).status,
      );
    }
    expect(statuses).toEqual([400, 400, 488]);
    expect(srs.counters.dialogs).toBe(0);
  });
});

describe('any SRC', () => {
  it('may put the metadata first and use the older media type', async () => {
    const { src, recording } = await session(
      {},
      { order: 'metadata-first', metadataType: 'application/rs-metadata' },
    );
    await ended(src, recording);
    expect(recording.deviations).toEqual([]);
    expect(recording.documents).toBe(1);
  });

  it('may end the session with a document in the BYE', async () => {
    const { src, recording } = await session();
    await src.send('BYE', { metadata: metadataDocument().replace(/<label>.*<\/label>/g, '') });
    await recording.until(() => recording.state === 'ended');
    expect([recording.documents, recording.deviations]).toEqual([2, []]);
  });

  it('gets 200 to OPTIONS and 481 outside of its dialog', async () => {
    const { src, recording } = await session();
    expect((await src.send('OPTIONS')).status).toBe(200);
    await ended(src, recording);
    expect((await src.send('INFO')).status).toBe(481);
  });
});

describe('the SRS misbehaves as it is told:', () => {
  it('refuses with a status', async () => {
    const srs = await startSrs({ behaviour: { refuseStatus: 503, refuseReason: 'Full' } });
    const src = await openSrc();
    expect(await src.invite(srs.uri('tcp'))).toMatchObject({ status: 503, reason: 'Full' });
    expect(srs.recordings).toHaveLength(0);
  });

  it('stays silent', async () => {
    const srs = await startSrs({ behaviour: { silent: true } });
    const src = await openSrc('udp');
    await expect(src.invite(srs.uri('udp'))).rejects.toMatchObject({ code: 'REC_ERR_LAB_TIMEOUT' });
    expect(src.received).toEqual([]);
  });

  it('answers late, and lets itself be cancelled meanwhile', async () => {
    const srs = await startSrs({ behaviour: { answerDelayMs: 300 } });
    const patient = await openSrc();
    expect((await patient.invite(srs.uri('tcp'))).status).toBe(200);
    expect(patient.provisionals).toEqual([100]);
    const hasty = await openSrc();
    const response = hasty.invite(srs.uri('tcp'));
    await hasty.until(() => hasty.provisionals.length > 0, '100');
    hasty.cancel();
    expect((await response).status).toBe(487);
    const cancelled = await srs.waitForRecording(({ endedBy }) => endedBy === 'cancelled');
    expect(cancelled.callId).toBe(hasty.callId);
  });

  it('answers inactive, then asks for media', async () => {
    const { src, recording } = await session({
      behaviour: { inactive: true, activateAfterMs: 50 },
    });
    const directions = (text: string): string[] =>
      parseSdp(text).media.map(media => media.direction);
    expect(directions(src.received.at(-1)?.body.toString() ?? '')).toEqual([
      'inactive',
      'inactive',
    ]);
    await src.until(() => src.requests.length > 0, 'a re-INVITE');
    expect(directions(src.requests[0]?.body.toString() ?? '')).toEqual(['recvonly', 'recvonly']);
    src.startMedia();
    await packets(recording, 5);
    expect(names(recording)).toEqual([]);
  });

  it('refuses one stream', async () => {
    const { src } = await session({ behaviour: { refuseStream: '2' } });
    const media = parseSdp(src.answer?.body.toString() ?? '').media;
    expect(media.map(({ port, label }) => [port > 0, label])).toEqual([
      [true, '1'],
      [false, '2'],
    ]);
  });

  it('hangs up after a while', async () => {
    const { src, recording } = await session({ behaviour: { byeAfterMs: 50 } });
    await src.until(() => src.requests.some(({ method }) => method === 'BYE'), 'a BYE');
    await recording.until(() => recording.state === 'ended');
    expect(recording.endedBy).toBe('srs-bye');
  });

  it('asks for a snapshot as RFC 7866 wants it', async () => {
    const { src } = await session({ behaviour: { snapshotAfterMs: 20 } });
    await src.until(() => src.requests.length > 0, 'an UPDATE');
    const [request] = src.requests;
    const header = (name: string): string | null => request?.headers.get(name) ?? null;
    expect(request?.method).toBe('UPDATE');
    expect(header('content-disposition')).toBe('recording-session');
    expect(request?.body.toString()).toContain('<requestsnapshot');
  });

  it('reports loss that there is not', async () => {
    const { src, recording } = await session({
      behaviour: { reportedLoss: 0.25 },
      rtcpIntervalMs: 100,
    });
    src.startMedia();
    await packets(recording, 10);
    const blocks = (): number[] =>
      src.rtcp.flatMap(({ reportBlocks }) => reportBlocks.map(({ fractionLost }) => fractionLost));
    await src.until(() => blocks().length > 0, 'a receiver report');
    expect(blocks()[0]).toBe(64);
  });

  it('answers re-INVITEs with 491', async () => {
    const { src } = await session({ behaviour: { glare: true } });
    src.sdpVersion += 1;
    expect((await src.send('INVITE', { sdp: src.sdp('inactive') })).status).toBe(491);
  });

  it('breaks the TCP connection', async () => {
    const { src } = await session({ behaviour: { closeConnectionAfterMs: 300 } });
    expect(src.endpoint.counters.tcpConnections).toBe(1);
    await expectConnectionsGone(src);
  });

  it('stops reading: requests over TCP are not answered any more', async () => {
    const { src, recording } = await session({ behaviour: { stopReading: true } });
    src.startMedia();
    await expect(src.send('OPTIONS')).rejects.toMatchObject({ code: 'REC_ERR_LAB_TIMEOUT' });
    expect(recording.streams.map(stream => stream.packets)).toEqual([0, 0]);
  });

  it('as the INVITE decides', async () => {
    const srs = await startSrs({
      behaviour: invite =>
        invite.headers.get('from')?.includes('src@') === true ? { refuseStatus: 480 } : {},
    });
    const src = await openSrc();
    expect((await src.invite(srs.uri('tcp'))).status).toBe(480);
  });
});

describe('the SRS', () => {
  it('repeats a 200 that is not acknowledged, then gives the session up with BYE', async () => {
    const srs = await startSrs({ timers: { t1Ms: 10, t2Ms: 40, t4Ms: 40 } });
    const src = await openSrc('udp');
    await src.invite(srs.uri('udp'), { withoutAck: true });
    const recording = await srs.waitForRecording(({ state }) => state === 'ended');
    expect(recording.endedBy).toBe('no-ack');
    const answers = src.received.filter(each => each.kind === 'response' && each.status === 200);
    expect(answers.length).toBeGreaterThan(3);
    expect(src.requests.map(({ method }) => method)).toEqual(['BYE']);
  });

  it('keeps many sessions at a time apart', async () => {
    const srs = await startSrs();
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const tones = (n: number): [number, number] => [300 + 80 * n, 340 + 80 * n];
    const srcs = await Promise.all(
      numbers.map(async n => {
        const src = await HandMadeSrc.open('udp', tones(n));
        closers.push(() => src.close());
        return src;
      }),
    );
    await Promise.all(srcs.map(src => src.invite(srs.uri('udp'))));
    for (const src of srcs) {
      src.startMedia();
    }
    await Promise.all(srs.recordings.map(recording => packets(recording, 10)));
    for (const src of srcs) {
      src.sendReports();
    }
    await Promise.all(srs.recordings.map(recording => packets(recording, 30)));
    for (const src of srcs) {
      src.stopMedia();
    }
    const candidates = numbers.flatMap(tones);
    for (const [n, src] of srcs.entries()) {
      const recording = await srs.waitForRecording(({ callId }) => callId === src.callId);
      await src.send('BYE');
      const heard = readWav(recording.wavPath).channels.map(
        channel => scanTones(channel.subarray(1600, 3200), candidates, { windowMs: 200 })[0],
      );
      expect(heard.map(reading => [reading?.hz, reading?.isAlone])).toEqual(
        tones(n).map(hz => [hz, true]),
      );
    }
    expect(srs.counters.dialogs).toBe(0);
  });

  it('ends an orphan whose SRC is gone', async () => {
    const { src, recording } = await session({ idleTimeoutMs: 200 }, {}, 'udp');
    await src.close();
    await recording.until(() => recording.state === 'ended', 15_000);
    expect(recording.endedBy).toBe('orphan');
  });

  it('keeps a silent session whose SRC lives', async () => {
    const { src, recording } = await session({ idleTimeoutMs: 100 }, {}, 'udp');
    await src.until(
      () => src.requests.filter(({ method }) => method === 'OPTIONS').length >= 2,
      'OPTIONS',
    );
    expect(recording.state).toBe('established');
  });

  it('takes no more sessions than it is allowed', async () => {
    const { srs } = await session({ maxSessions: 1 });
    const src = await openSrc();
    expect((await src.invite(srs.uri('tcp'))).status).toBe(503);
  });

  it('says BYE when it closes', async () => {
    const { srs, src, recording } = await session();
    await srs.close();
    expect(src.requests.map(({ method }) => method)).toEqual(['BYE']);
    expect(recording.endedBy).toBe('closed');
  });
});

async function expectConnectionsGone(src: HandMadeSrc): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 5000;
  while (src.endpoint.counters.tcpConnections > 0 && systemClock.monotonicMs() < deadlineMs) {
    await new Promise(resolve => systemClock.setTimer(20, () => resolve(null)));
  }
  expect(src.endpoint.counters.tcpConnections).toBe(0);
}
