/** The product's media plane with all its calls open and recorded, in a process of its own. */
import { noopLogger, type PayloadFormat, type RemoteStream, systemClock } from '#core';
import {
  createMediaPlane,
  type MediaCall,
  type MediaPlane,
  type NoticeSound,
  type RecordingStreamRules,
} from '#media';

import {
  type Address,
  BENCH_KEY,
  G722_PAYLOAD_TYPE,
  LEG_SUITE,
  phoneAddress,
  recorderAddress,
} from '../traffic/plan';
import { type PeerMessage, type PeerOrder } from './peer';

const PCMU = { payloadType: 0, encoding: 'PCMU', clockRateHz: 8000, channels: 1 };
const G722 = { payloadType: G722_PAYLOAD_TYPE, encoding: 'G722', clockRateHz: 8000, channels: 1 };
/** What a provider says that takes only G.711. */
const TO_PCMU: RecordingStreamRules = {
  keep: ['PCMU'],
  transcodeTo: PCMU,
  dtmf: 'pass',
  comfortNoise: 'pass',
};
const CRYPTO = { suite: LEG_SUITE, sendKey: BENCH_KEY, receiveKey: BENCH_KEY };
/** Three seconds of G.711. */
const RING_BYTES = 32 * 1024;
/** RTP and RTCP of two legs and two recordings of two streams. */
const PORTS_PER_CALL = 12;
const STREAMS_PER_RECORDING = 2;
const PROMPT_SECONDS = 30;

const TONE: NoticeSound = {
  kind: 'tone',
  frequencyHz: 1400,
  durationMs: 10_000,
  levelDbm0: -20,
  rampMs: 10,
};

function send(message: PeerMessage): void {
  process.send?.(message);
}

function remote(address: Address, format: PayloadFormat, isEncrypted: boolean): RemoteStream {
  return {
    rtp: address,
    rtcp: null,
    rtcpMux: true,
    sends: true,
    receives: true,
    formats: [format],
    ptimeMs: 20,
    ...(isEncrypted ? { crypto: CRYPTO } : {}),
  };
}

async function openCall(
  plane: MediaPlane,
  call: number,
  { calls, variant }: PeerOrder,
): Promise<Address[]> {
  const format = variant === 'transcode' ? G722 : PCMU;
  const media = plane.openCall({ callId: `call ${call}` }, {});
  const legs = [2 * call, 2 * call + 1];
  const locals: Address[] = [];
  for (const leg of legs) {
    const opened = await media.openLeg({ legId: String(leg), network: 'lo' });
    opened.setRemote(remote(phoneAddress(leg, calls), format, variant === 'srtp-legs'));
    locals.push(opened.local.rtp);
  }
  media.connect(String(legs[0]), String(legs[1]));
  const recordings = variant === 'relay' ? 0 : variant === 'second-recorder' ? 2 : 1;
  for (let i = 0; i < recordings; i++) {
    const recording = await media.openRecording({
      recordingId: `recording ${i} of ${call}`,
      network: 'lo',
      streams: legs.map(leg => ({
        label: String((leg & 1) + 1),
        sourceLegId: String(leg),
        formats: variant === 'transcode' ? [G722, PCMU] : [PCMU],
      })),
      gateOpen: true,
    });
    if (variant === 'transcode') {
      for (const leg of legs) {
        recording.setRules(String((leg & 1) + 1), TO_PCMU);
      }
    }
    if (variant !== 'ring') {
      recording.setRemotes(
        legs.map(leg => ({
          ...remote(recorderAddress(leg, calls), PCMU, variant === 'srtp-recorder'),
          sends: false,
        })),
      );
    }
  }
  if (variant === 'tone') {
    void playForever(media, legs, TONE);
  } else if (variant === 'announcement') {
    void playForever(media, legs, { kind: 'prompt', promptId: 'speech' });
  }
  return locals;
}

/** One notice after the other in both directions, for as long as the process lives. */
async function playForever(media: MediaCall, legs: number[], sound: NoticeSound): Promise<never> {
  const legIds = legs.map(String);
  for (;;) {
    const { legs: outcomes } = await media.playNotice({
      noticeId: 'n',
      legIds,
      sound,
      duckDb: 0,
    }).done;
    if (outcomes.some(({ outcome }) => outcome !== 'played')) {
      // No traffic between two rounds: begin again with the next one.
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }
}

async function run(order: PeerOrder): Promise<void> {
  const { backend, calls, variant, host, portMin } = order;
  const plane = await createMediaPlane({
    backend,
    workers: 1,
    networks: { lo: { bindHost: host, advertisedHost: host } },
    portMin,
    portMax: Math.min(65_535, portMin + PORTS_PER_CALL * calls + 255),
    portQuarantineMs: 0,
    dscp: 46,
    mediaTimeoutMs: 0,
    ringBytes: RING_BYTES,
    recordingCatchUpFactor: 3,
    logger: noopLogger,
    clock: systemClock,
  });
  const samples = Int16Array.from({ length: 8000 * PROMPT_SECONDS }, (_, i) =>
    Math.round(8000 * Math.sin(i / 7) * Math.sin(i / 900)),
  );
  plane.definePrompt('speech', { samples, sampleRateHz: 8000 });
  send({ kind: 'empty' });
  await new Promise(resolve => process.once('message', resolve));
  const legs: Address[] = [];
  for (let call = 0; call < calls; call++) {
    legs.push(...(await openCall(plane, call, order)));
  }
  const rings = variant === 'relay' ? 0 : variant === 'second-recorder' ? 2 : 1;
  const ringKiBPerCall = (rings * STREAMS_PER_RECORDING * RING_BYTES) / 1024;
  send({ kind: 'open', legs, ringKiBPerCall });
}

process.once('message', order => void run(order as PeerOrder));
process.once('disconnect', () => process.exit(0));
