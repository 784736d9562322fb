import { type LegRole, type PayloadFormat, PCMA, PCMU } from '#core';
import { type MediaRecording } from '#media';

import { type CallContext } from '../../../../src/session/call/call-context';
import { CapturedStreams } from '../../../../src/session/recording/captured-streams';
import { type ProviderSettings } from '../../../../src/session/settings';

const OPUS: PayloadFormat = { payloadType: 96, encoding: 'OPUS', clockRateHz: 48000, channels: 2 };
const PROVIDER = {
  providerId: 'lab',
  network: 'outside',
  labels: { recordedParty: '1', otherParties: '2' },
} as ProviderSettings;

type CapturedFlow = ConstructorParameters<typeof CapturedStreams>[0]['metadata']['flow'];

interface Bench {
  readonly streams: CapturedStreams;
  readonly log: readonly string[];
  readonly formats: Record<LegRole, readonly PayloadFormat[]>;
  readonly untranscodable: readonly string[];
}

function bench(recordedRole: LegRole, provider: ProviderSettings = PROVIDER): Bench {
  const log: string[] = [];
  const untranscodable: string[] = [];
  const formats: Bench['formats'] = { caller: [PCMU], callee: [PCMA] };
  const media = {
    openRecording: ({ streams, gateOpen, network }) => {
      const sources = streams.map(({ label, sourceLegId }) => `${label}=${sourceLegId}`).join();
      log.push(`open ${sources} at ${network}, gate ${gateOpen ? 'open' : 'shut'}`);
      return Promise.resolve({
        streams,
        setRules: (label: string) => log.push(`rules of ${label}`),
        close: ({ drainMs }: { drainMs: number }) => {
          log.push(`close, drain ${drainMs}`);
          return Promise.resolve();
        },
      } as unknown as MediaRecording);
    },
  } as CallContext['media'];
  const legs = {
    formatsOf: (role: LegRole) => formats[role],
    activityOf: (role: LegRole) => ({ sends: role === 'caller', receives: true }),
    remotes: [],
  } as unknown as CallContext['legs'];
  const streams = new CapturedStreams({
    recordingId: 'r1',
    recordedRole,
    provider,
    legs,
    media,
    metadata: { flow: { hold: 'sdp-only' } as CapturedFlow },
    untranscodable: encoding => untranscodable.push(encoding),
  });
  return { streams, log, formats, untranscodable };
}

test('label 1 is the recorded party, whoever called', async () => {
  const { streams, log } = bench('callee');
  await streams.open(PROVIDER, true, () => true);
  expect(log).toEqual(['open 1=callee,2=caller at outside, gate open']);
  expect(streams.formats().map(each => each.map(({ encoding }) => encoding))).toEqual([
    ['PCMA'],
    ['PCMU'],
  ]);
});

test('what was captured is thrown away when the recording was stopped while its ports were opened', async () => {
  const { streams, log } = bench('caller');
  await streams.open(PROVIDER, true, () => false);
  expect(log).toEqual([
    'open 1=caller,2=callee at outside, gate open',
    'close, drain 0',
    'open 1=caller,2=callee at outside, gate shut',
  ]);
});

test('what is captured follows what is offered, from the moment that the ports are open', async () => {
  const { streams, log } = bench('caller');
  streams.formats();
  expect(log).toEqual([]);
  await streams.open(PROVIDER, false, () => false);
  streams.formats();
  expect(log.slice(1)).toEqual(['rules of 1', 'rules of 2']);
});

test('tells of codecs that the provider does not take and nobody can transcode', () => {
  const { streams, formats, untranscodable } = bench('caller', { ...PROVIDER, codecs: ['PCMU'] });
  formats.callee = [OPUS];
  streams.formats();
  expect(untranscodable).toEqual(['OPUS']);
});

test('before the answer both streams are expected to be what the caller offers, or what everybody takes', () => {
  const { streams, formats } = bench('callee');
  expect(streams.expectedFormats()).toEqual([[PCMU], [PCMU]]);
  formats.caller = [];
  expect(streams.expectedFormats()).toEqual([
    [PCMA, PCMU],
    [PCMA, PCMU],
  ]);
});

test('where a hold is told by SDP alone the stream of who sends nothing is held', () => {
  const { streams } = bench('callee');
  // The callee, on label 1, sends nothing.
  expect([0, 1].map(index => streams.isHeld(index))).toEqual([true, false]);
});
