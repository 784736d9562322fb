import { type PayloadFormat, type RemoteStream } from '#core';
import fc from 'fast-check';

import {
  SEND_OK,
  SEND_REFUSED,
  SEND_WOULD_BLOCK,
  type SendResult,
} from '../../../../media/io/packet-io';
import { renderTone } from '../../../../media/notices/tone';
import { WorkerControl } from '../../../../media/worker/control';
import { COUNTER_STRIDE, LEG, STREAM } from '../../../../media/worker/counters';
import { PacketLoop } from '../../../../media/worker/packet-loop';
import {
  type WorkerCommand,
  type WorkerEvent,
  type WorkerSettings,
} from '../../../../media/worker/protocol';
import { ScriptedPacketIo, type SentDatagram } from '../../../support/scripted-packet-io';

// Our own numbers are drawn by chance: two planes must draw the same ones.
jest.mock('node:crypto', () => ({
  ...jest.requireActual<object>('node:crypto'),
  randomBytes: (size: number) => Buffer.alloc(size, 0x21),
}));

const PCMU: PayloadFormat = { payloadType: 0, encoding: 'PCMU', clockRateHz: 8000, channels: 1 };
const PCMA: PayloadFormat = { payloadType: 8, encoding: 'PCMA', clockRateHz: 8000, channels: 1 };
const G722: PayloadFormat = { payloadType: 9, encoding: 'G722', clockRateHz: 8000, channels: 1 };
const CN: PayloadFormat = { payloadType: 13, encoding: 'CN', clockRateHz: 8000, channels: 1 };
const EVENT: PayloadFormat = {
  payloadType: 101,
  encoding: 'TELEPHONE-EVENT',
  clockRateHz: 8000,
  channels: 1,
};
const FORMATS = [PCMU, PCMA, G722, CN, EVENT];
const SETTINGS: WorkerSettings = {
  dscp: 0,
  mediaTimeoutMs: 300,
  ringBytes: 16 * 1024,
  catchUpFactor: 3,
  latchesForeignSource: true,
};
/** Legs A, B and C, and the streams of two recordings of two. */
const LEGS = [0, 1, 2] as const;
const RECORDINGS = [
  { id: 1, slots: [3, 4], legs: [0, 1] },
  { id: 2, slots: [5, 6], legs: [0, 1] },
] as const;
const SLOTS = 7;

/** A worker's packet loop with everything but a kernel and a clock. */
class Plane {
  readonly io: ScriptedPacketIo;
  readonly counters = new Float64Array(SLOTS * COUNTER_STRIDE);
  readonly events: WorkerEvent[] = [];
  readonly loop: PacketLoop;
  readonly #control: WorkerControl;

  constructor(isFast: boolean, outcome?: (handle: number, number: number) => SendResult) {
    this.io = new ScriptedPacketIo(isFast, outcome);
    const { io, counters } = this;
    const emit = (event: WorkerEvent): void => void this.events.push(event);
    this.#control = new WorkerControl({
      io,
      crypto: null as never,
      counters,
      settings: SETTINGS,
      emit,
    });
    this.loop = new PacketLoop({
      io,
      counters,
      settings: SETTINGS,
      slots: SLOTS,
      emit,
      control: () => true,
      onDrained: recording => this.#control.finishRecording(recording),
    });
    this.#control.attach(this.loop);
  }

  command(command: WorkerCommand): void {
    this.loop.onControl();
    this.#control.execute(command);
  }

  packet(slot: number, packet: Uint8Array, host: string, port: number): void {
    const sourceAt = this.io.receive(packet, host, port);
    this.loop.onPacket(slot * 2, 0, packet.length, sourceAt);
  }
}

function remote(port: number, parts: Partial<RemoteStream> = {}): RemoteStream {
  return {
    rtp: { host: '192.0.2.1', port },
    rtcp: null,
    rtcpMux: true,
    sends: true,
    receives: true,
    formats: FORMATS,
    ptimeMs: 20,
    ...parts,
  };
}

function openLeg(slot: number, parts: Partial<RemoteStream> = {}): WorkerCommand[] {
  const binding = { slot, host: '192.0.2.9', port: 10_000 + 2 * slot };
  return [
    { kind: 'open-leg', request: 1, binding, cname: 'x' },
    { kind: 'set-remote', slot, remote: remote(20_000 + slot, parts) },
  ];
}

function openRecording(which: number): WorkerCommand[] {
  const { id, slots, legs } = RECORDINGS[which]!;
  return [
    {
      kind: 'open-recording',
      request: 2,
      recording: id,
      gateOpen: true,
      streams: slots.map((slot, i) => ({
        binding: { slot, host: '192.0.2.9', port: 10_000 + 2 * slot },
        label: String(i + 1),
        sourceSlot: legs[i]!,
        formats: FORMATS,
        ssrc: 0x1000 + slot,
        cname: 'x',
        rules: null,
      })),
    },
    {
      kind: 'set-remotes',
      recording: id,
      remotes: slots.map(slot => remote(30_000 + slot, { sends: false })),
    },
  ];
}

const START: WorkerCommand[] = [
  {
    kind: 'define-sound',
    soundId: 'tone',
    render: 8000,
    values: renderTone({ frequencyHz: 1400, durationMs: 100, levelDbm0: -20, rampMs: 10 }, 8000),
  },
  ...openLeg(0),
  ...openLeg(1),
  ...openLeg(2),
  { kind: 'connect', slotA: 0, slotB: 1 },
  ...openRecording(0),
];

/** What a phone may send next, as a change of what came before. */
interface Phone {
  sequence: number;
  timestamp: number;
  ssrc: number;
}

type Step =
  | { readonly kind: 'talk'; readonly packets: number }
  | { readonly kind: 'packet'; readonly leg: number; readonly how: PacketKind }
  | { readonly kind: 'command'; readonly commands: readonly WorkerCommand[] }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'look'; readonly look: () => void };

const PACKET_KINDS = [
  'next',
  'marker',
  'late',
  'doubled',
  'gap',
  'jump',
  'restarted',
  'other-codec',
  'event',
  'comfort-noise',
  'unknown-type',
  'csrc',
  'padding',
  'short',
  'long',
  'foreign',
  'moved',
  'far-timestamp',
] as const;
type PacketKind = (typeof PACKET_KINDS)[number];

/** Builds the packet, and moves the phone on. */
function build(phone: Phone, kind: PacketKind): { packet: Uint8Array; port: number; host: string } {
  const bytes = Buffer.alloc(kind === 'short' ? 11 : kind === 'long' ? 1400 : 172, 0x55);
  // What another sender sends is not in the phone's numbers.
  const isOther = kind === 'foreign' || kind === 'moved';
  phone.sequence += isOther ? 0 : kind === 'gap' ? 5 : kind === 'jump' ? 20_000 : 1;
  phone.timestamp += isOther ? 0 : kind === 'far-timestamp' ? 80_000 : 160;
  phone.ssrc += kind === 'restarted' ? 1 : 0;
  const back = kind === 'late' ? 3 : kind === 'doubled' ? 1 : 0;
  const types: Partial<Record<PacketKind, number>> = {
    'other-codec': 8,
    event: 101,
    'comfort-noise': 13,
    'unknown-type': 77,
  };
  const first = kind === 'csrc' ? 0x81 : kind === 'padding' ? 0xa0 : 0x80;
  bytes[0] = first;
  bytes[1] = (types[kind] ?? 0) | (kind === 'marker' ? 0x80 : 0);
  if (bytes.length >= 12) {
    bytes.writeUInt16BE((phone.sequence - back) & 0xffff, 2);
    bytes.writeUInt32BE((phone.timestamp - 160 * back) >>> 0, 4);
    bytes.writeUInt32BE(phone.ssrc >>> 0, 8);
    bytes[bytes.length - 1] = kind === 'padding' ? 4 : phone.sequence & 0xff;
  }
  const host = kind === 'foreign' ? '198.51.100.7' : '192.0.2.1';
  return { packet: bytes, port: kind === 'moved' ? 999 : 0, host };
}

/** Plays the steps on a plane, 20 ms apart where somebody talks. */
function play(plane: Plane, steps: readonly Step[]): void {
  const phones: Phone[] = LEGS.map(leg => ({
    sequence: 65_500 + leg,
    timestamp: 0xffff_f000,
    ssrc: 0xdead_0000 + leg,
  }));
  let nowMs = 1000;
  const advance = (ms: number): void => {
    nowMs += ms;
    plane.loop.nowMs = nowMs;
    plane.loop.onRoundEnd();
  };
  const send = (leg: number, kind: PacketKind): void => {
    const { packet, port, host } = build(phones[leg]!, kind);
    plane.packet(leg, packet, host, port === 0 ? 20_000 + leg : port);
  };
  advance(0);
  START.forEach(command => plane.command(command));
  for (const step of steps) {
    switch (step.kind) {
      case 'talk':
        for (let i = 0; i < step.packets; i++) {
          LEGS.forEach(leg => send(leg, 'next'));
          advance(20);
        }
        break;
      case 'packet':
        send(step.leg, step.how);
        advance(7);
        break;
      case 'command':
        step.commands.forEach(command => plane.command(command));
        advance(1);
        break;
      case 'time':
        advance(step.ms);
        break;
      case 'look':
        step.look();
        break;
    }
  }
}

const COMMANDS: readonly (readonly WorkerCommand[])[] = [
  ...[true, false].flatMap(open =>
    [true, false].map(fillsSilence => [
      { kind: 'set-gate' as const, request: 3, recording: 1, open, fillsSilence },
    ]),
  ),
  [{ kind: 'set-remote', slot: 0, remote: remote(20_000, { sends: false }) }],
  [{ kind: 'set-remote', slot: 0, remote: remote(20_000) }],
  [{ kind: 'set-remote', slot: 1, remote: remote(20_001, { receives: false }) }],
  [{ kind: 'set-remote', slot: 1, remote: remote(20_001) }],
  [{ kind: 'set-remote', slot: 1, remote: remote(999) }],
  [{ kind: 'set-remote', slot: 1, remote: remote(20_001, { formats: [PCMA] }) }],
  [{ kind: 'connect', slotA: 0, slotB: 2 }],
  [{ kind: 'connect', slotA: 0, slotB: 1 }],
  [
    { kind: 'close-leg', request: 4, slot: 1 },
    ...openLeg(1),
    { kind: 'connect', slotA: 0, slotB: 1 },
  ],
  [{ kind: 'close-leg', request: 4, slot: 2 }],
  [{ kind: 'set-remotes', recording: 1, remotes: [null, remote(30_004, { sends: false })] }],
  [
    {
      kind: 'set-remotes',
      recording: 1,
      remotes: [3, 4].map(slot => remote(30_000 + slot, { receives: false })),
    },
  ],
  [
    {
      kind: 'set-remotes',
      recording: 1,
      remotes: [3, 4].map(slot => remote(31_000 + slot, { formats: [PCMU] })),
    },
  ],
  [{ kind: 'set-remotes', recording: 1, remotes: [3, 4].map(slot => remote(30_000 + slot)) }],
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
  [{ kind: 'set-source', recording: 1, slot: 4, sourceSlot: 2, formats: FORMATS }],
  [{ kind: 'set-source', recording: 1, slot: 4, sourceSlot: 1, formats: FORMATS }],
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

test.each([
  ['an SRS that answers late', LATE_SRS],
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
    { kind: 'command', commands: [{ kind: 'set-remote', slot: 1, remote: remote(999) }] },
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
