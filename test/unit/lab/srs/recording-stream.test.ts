import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PCMU } from '#core';

import { buildReport } from '../../../../src/lab/rtp/rtcp';
import { SenderClock } from '../../../../src/lab/rtp/timeline';
import { type SdpMedia } from '../../../../src/lab/sip/sdp';
import { RecordingStream } from '../../../../src/lab/srs/recording-stream';
import { RecordingWav } from '../../../../src/lab/srs/recording-wav';
import { waitUntil } from '../../../support/wait-until';
import { ManualClock } from '../support/manual-clock';

let folder: string;
let clock: ManualClock;
let wav: RecordingWav;
let stream: RecordingStream;
let src: Socket;
let deviations: string[];
let packets: number;
let sent: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stream-'));
  clock = new ManualClock();
  wav = new RecordingWav(join(folder, 'recording.wav'), clock, 80_000);
  [deviations, packets, sent] = [[], 0, 0];
  stream = await RecordingStream.open({
    host: '127.0.0.1',
    clock,
    channel: 0,
    wav,
    senderClock: new SenderClock(),
    onDeviation: ({ name, clause }) => deviations.push(`${name}, ${clause}`),
    onPacket: () => (packets += 1),
  });
  src = createSocket('udp4');
  await new Promise<void>(resolve => src.bind(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await stream.close();
  wav.close();
  src.close();
  rmSync(folder, { recursive: true });
});

function agree(direction: 'sendonly' | 'inactive'): void {
  const { port } = src.address();
  const media: SdpMedia = {
    kind: 'audio',
    port,
    protocol: 'RTP/AVP',
    formats: [PCMU],
    direction,
    rtp: { host: '127.0.0.1', port },
    rtcp: { host: '127.0.0.1', port },
    rtcpMux: true,
    label: '1',
    lines: [],
  };
  stream.agree(media, [PCMU], direction === 'sendonly');
}

function send(datagram: Buffer): void {
  src.send(datagram, stream.port, '127.0.0.1');
}

/** One packet of silence, 20 ms later than the one before. */
async function packetComes(): Promise<void> {
  const packet = Buffer.alloc(12 + 160, 0xff);
  packet[0] = 0x80;
  packet[1] = 0;
  packet.writeUInt16BE(sent, 2);
  packet.writeUInt32BE(sent * 160, 4);
  packet.writeUInt32BE(7, 8);
  sent += 1;
  send(packet);
  await waitUntil(() => packets === sent, 'the packet');
}

describe('media in a stream that is inactive', () => {
  beforeEach(async () => {
    agree('sendonly');
    stream.acknowledged();
    await packetComes();
    clock.advance(5_000);
  });

  test('are a deviation once the SRC knows, and what was under way has come', async () => {
    agree('inactive');
    stream.acknowledged();
    clock.advance(500);
    await packetComes();
    expect(deviations).toEqual([]);
    clock.advance(1);
    await packetComes();
    expect(deviations).toEqual(['rtp-while-inactive, RFC 3264 §5.1']);
  });

  test('are none before the SRC has acknowledged the answer, however long that takes', async () => {
    agree('inactive');
    clock.advance(4_000);
    await packetComes();
    stream.acknowledged();
    clock.advance(400);
    await packetComes();
    expect(deviations).toEqual([]);
  });

  test('are one as well when the same was agreed again meanwhile', async () => {
    agree('inactive');
    stream.acknowledged();
    clock.advance(400);
    agree('inactive');
    clock.advance(400);
    await packetComes();
    expect(deviations).toEqual(['rtp-while-inactive, RFC 3264 §5.1']);
  });

  test('are none when it was made active again', async () => {
    agree('inactive');
    stream.acknowledged();
    clock.advance(4_000);
    agree('sendonly');
    await packetComes();
    expect(deviations).toEqual([]);
  });

  test('RTCP goes on', async () => {
    agree('inactive');
    stream.acknowledged();
    clock.advance(4_000);
    const sending = { ntpMs: clock.wallNowMs(), rtpTimestamp: 160, packets: 1, octets: 160 };
    send(buildReport({ ssrc: 7, cname: 'a@src', blocks: [], sending }));
    await waitUntil(() => stream.report().senderReports === 1, 'the report');
    expect(deviations).toEqual([]);
  });
});
