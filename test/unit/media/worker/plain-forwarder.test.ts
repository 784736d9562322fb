import fc from 'fast-check';

import {
  SEND_OK,
  SEND_REFUSED,
  SEND_WOULD_BLOCK,
  type SendResult,
} from '../../../../media/io/packet-io';
import { COUNTER_STRIDE, LEG, STREAM } from '../../../../media/worker/counters';
import { type WorkerCommand } from '../../../../media/worker/protocol';
import { type SentDatagram } from '../../../support/scripted-packet-io';
import {
  FORMATS,
  legRemote,
  LEGS,
  openLeg,
  openRecording,
  PACKET_KINDS,
  play,
  recorderRemotes,
  remote,
  ScriptedPlane as Plane,
  srtp,
  type Step,
} from '../../../support/scripted-plane';

// Our own numbers are drawn by chance: two planes must draw the same ones.
jest.mock('node:crypto', () => ({
  ...jest.requireActual<object>('node:crypto'),
  randomBytes: (size: number) => Buffer.alloc(size, 0x21),
}));

const { PCMU, PCMA } = FORMATS;
const ALL_FORMATS = Object.values(FORMATS);

const COMMANDS: readonly (readonly WorkerCommand[])[] = [
  ...[true, false].flatMap(open =>
    [true, false].map(fillsSilence => [
      { kind: 'set-gate' as const, request: 3, recording: 1, open, fillsSilence },
    ]),
  ),
  [legRemote(0, { sends: false })],
  [legRemote(0)],
  [legRemote(0, { crypto: srtp(1) })],
  [legRemote(1, { receives: false })],
  [legRemote(1)],
  [legRemote(1, { crypto: srtp(2, 'AES_CM_128_HMAC_SHA1_32') })],
  [legRemote(1, { crypto: srtp(3, 'AEAD_AES_128_GCM') })],
  [legRemote(1, { rtp: { host: '192.0.2.1', port: 999 } })],
  [legRemote(1, { formats: [PCMA] })],
  [{ kind: 'connect', slotA: 0, slotB: 2 }],
  [{ kind: 'connect', slotA: 0, slotB: 1 }],
  [
    { kind: 'close-leg', request: 4, slot: 1 },
    ...openLeg(1),
    { kind: 'connect', slotA: 0, slotB: 1 },
  ],
  [{ kind: 'close-leg', request: 4, slot: 2 }],
  [{ kind: 'set-remotes', recording: 1, remotes: [null, remote(30_004, { sends: false })] }],
  [recorderRemotes(0, () => ({ receives: false }))],
  [recorderRemotes(0, slot => ({ rtp: { host: '192.0.2.1', port: 31_000 + slot } }))],
  [recorderRemotes(0, () => ({ formats: [PCMU] }))],
  [recorderRemotes(0, slot => ({ crypto: srtp(slot) }))],
  [recorderRemotes(0, slot => ({ crypto: srtp(10 + slot, 'AES_CM_128_HMAC_SHA1_80', '0a') }))],
  [recorderRemotes(0, slot => ({ crypto: srtp(20 + slot, 'AEAD_AES_128_GCM') }))],
  [recorderRemotes(0)],
  [
    {
      kind: 'set-rules',
      slot: 3,
      rules: { keep: ['PCMA'], transcodeTo: PCMA, dtmf: 'drop', comfortNoise: 'drop' },
    },
  ],
  [
    {
      kind: 'set-rules',
      slot: 3,
      rules: { keep: null, transcodeTo: null, dtmf: 'pass', comfortNoise: 'pass' },
    },
  ],
  [{ kind: 'set-source', recording: 1, slot: 4, sourceSlot: 2, formats: ALL_FORMATS }],
  [{ kind: 'set-source', recording: 1, slot: 4, sourceSlot: 1, formats: ALL_FORMATS }],
  [{ kind: 'rewind', request: 5, recording: 1, fromWallMs: 1_000_900 }],
  [{ kind: 'close-recording', request: 6, recording: 1, drainMs: 100 }],
  openRecording(1),
  [{ kind: 'close-recording', request: 6, recording: 2, drainMs: 0 }],
  [{ kind: 'play-notice', slot: 1, number: 1, soundId: 'tone', durationMs: 100, duckDb: 6 }],
  [{ kind: 'stop-notice', slot: 1, number: 1 }],
  [{ kind: 'hold-dtmf', slot: 0, rule: { digits: '*#5', maxHoldMs: 500 } }],
  [{ kind: 'release-dtmf', slot: 0, action: 'relay' }],
  [{ kind: 'watch-level', slot: 0, on: true }],
  [{ kind: 'watch-level', slot: 0, on: false }],
];

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('talk' as const),
      packets: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('packet' as const),
      leg: fc.constantFrom(...LEGS),
      how: fc.constantFrom(...PACKET_KINDS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      commands: fc.constantFrom(...COMMANDS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(5, 100, 400, 5000),
    }),
  },
);

/** Some sends do not go, the same ones on both planes. */
function failing(percent: number): (handle: number, number: number) => SendResult {
  return (handle, number) => {
    const dice = (handle * 7919 + number * 104_729) % 100;
    if (dice >= percent) {
      return SEND_OK;
    }
    return dice % 2 === 0 ? SEND_WOULD_BLOCK : SEND_REFUSED;
  };
}

function bySocket(sent: readonly SentDatagram[]): Map<number, SentDatagram[]> {
  const map = new Map<number, SentDatagram[]>();
  for (const datagram of sent) {
    map.set(datagram.handle, [...(map.get(datagram.handle) ?? []), datagram]);
  }
  return map;
}

beforeEach(() => {
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
  jest.spyOn(performance, 'now').mockReturnValue(1000);
});

afterEach(() => jest.restoreAllMocks());

test('what leaves, is counted and is told is the same with and without the forwarder', () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 0, 4, 30),
      (steps, percent) => {
        const fast = new Plane(true, failing(percent));
        const slow = new Plane(false, failing(percent));
        play(fast, steps);
        play(slow, steps);
        expect(bySocket(fast.io.sent)).toEqual(bySocket(slow.io.sent));
        expect(fast.counters).toEqual(slow.counters);
        expect(fast.events).toEqual(slow.events);
      },
    ),
    { numRuns: 100 },
  );
});

test('an established call goes by the forwarder: only its first packets are left to the objects', () => {
  const plane = new Plane(true);
  const capture = jest.spyOn(plane.loop.recorder, 'capture');
  const send = jest.spyOn(plane.loop.sender, 'send');
  play(plane, [{ kind: 'talk', packets: 500 }]);
  expect(plane.counters[COUNTER_STRIDE + LEG.packetsSent]).toBe(500);
  expect(plane.counters[3 * COUNTER_STRIDE + STREAM.packetsSent]).toBe(500);
  // What is left: until the streams are live, the wrap of the numbers, the end of the ring.
  expect(send.mock.calls.length).toBeLessThan(100);
  expect(capture.mock.calls.length).toBeLessThan(100);
});

const LATE_SRS: Step[] = [
  {
    kind: 'command',
    commands: [{ kind: 'close-recording', request: 6, recording: 1, drainMs: 0 }],
  },
  { kind: 'time', ms: 5 },
  { kind: 'command', commands: openRecording(0).slice(0, 1) },
  { kind: 'talk', packets: 60 },
  { kind: 'command', commands: openRecording(0).slice(1) },
];
const NOTICE: Step[] = [
  { kind: 'talk', packets: 60 },
  {
    kind: 'command',
    commands: [
      { kind: 'play-notice', slot: 1, number: 1, soundId: 'tone', durationMs: 100, duckDb: 6 },
    ],
  },
];
const PAUSE: Step[] = [false, true].flatMap(open => [
  { kind: 'talk', packets: 20 },
  {
    kind: 'command',
    commands: [{ kind: 'set-gate', request: 3, recording: 1, open, fillsSilence: false }],
  },
]);

const SRTP_TO_RECORDER: Step[] = [
  { kind: 'command', commands: [recorderRemotes(0, slot => ({ crypto: srtp(slot) }))] },
];
const SRTP_ON_LEGS: Step[] = [
  {
    kind: 'command',
    commands: [
      legRemote(0, { crypto: srtp(1) }),
      legRemote(1, { crypto: srtp(2, 'AEAD_AES_128_GCM') }),
    ],
  },
];

test.each([
  ['an SRS that answers late', LATE_SRS],
  ['agreeing on SRTP with the recorder', SRTP_TO_RECORDER],
  ['agreeing on SRTP with the parties', SRTP_ON_LEGS],
  ['a notice', NOTICE],
  ['a pause', PAUSE],
])('after %s the call goes by the forwarder again', (_what, steps) => {
  const plane = new Plane(true);
  const capture = jest.spyOn(plane.loop.recorder, 'capture');
  const send = jest.spyOn(plane.loop.sender, 'send');
  const sent = (): number => plane.counters[3 * COUNTER_STRIDE + STREAM.packetsSent] ?? 0;
  let before = 0;
  play(plane, [
    ...steps,
    { kind: 'talk', packets: 60 },
    {
      kind: 'look',
      look: () => {
        capture.mockClear();
        send.mockClear();
        before = sent();
      },
    },
    { kind: 'talk', packets: 100 },
  ]);
  expect(sent()).toBe(before + 100);
  // Of two legs; the end of the ring comes now and then.
  expect(send.mock.calls.length).toBeLessThan(10);
  expect(capture.mock.calls.length).toBeLessThan(10);
});

test.each(COMMANDS.map(commands => [commands.map(({ kind }) => kind).join(', '), commands]))(
  'after %s the very next packet is looked at anew',
  (_name, commands) => {
    const steps: Step[] = [
      { kind: 'talk', packets: 60 },
      { kind: 'command', commands },
      { kind: 'talk', packets: 10 },
    ];
    const fast = new Plane(true);
    const slow = new Plane(false);
    play(fast, steps);
    play(slow, steps);
    expect(bySocket(fast.io.sent)).toEqual(bySocket(slow.io.sent));
    expect(fast.counters).toEqual(slow.counters);
  },
);

test('single packets from the signalled address between those of the locked source move nothing', () => {
  const stray: Step[] = [
    { kind: 'packet', leg: 1, how: 'moved' },
    { kind: 'talk', packets: 3 },
  ];
  const steps: Step[] = [
    { kind: 'talk', packets: 20 },
    { kind: 'command', commands: [legRemote(1, { rtp: { host: '192.0.2.1', port: 999 } })] },
    { kind: 'talk', packets: 200 },
    ...Array.from({ length: 30 }, () => stray).flat(),
  ];
  const fast = new Plane(true);
  const slow = new Plane(false);
  play(fast, steps);
  play(slow, steps);
  expect(fast.counters[COUNTER_STRIDE + LEG.rejectedSource]).toBeGreaterThan(20);
  expect(bySocket(fast.io.sent)).toEqual(bySocket(slow.io.sent));
  expect(fast.counters).toEqual(slow.counters);
  expect(fast.events).toEqual(slow.events);
});
