import { type PayloadFormat, type RemoteStream, type StreamCrypto } from '#core';

import { type IoMemory, memoryOf, type SendResult } from '../../media/io/packet-io';
import { renderTone } from '../../media/notices/tone';
import { createNodeBackend } from '../../media/srtp/node-backend';
import { SrtpSender } from '../../media/srtp/srtp-sender';
import { MAX_SRTP_OVERHEAD_BYTES } from '../../media/srtp/suites';
import { WorkerControl } from '../../media/worker/control';
import { COUNTER_STRIDE } from '../../media/worker/counters';
import { PacketLoop } from '../../media/worker/packet-loop';
import {
  type WorkerCommand,
  type WorkerEvent,
  type WorkerSettings,
} from '../../media/worker/protocol';
import { ScriptedPacketIo } from './scripted-packet-io';

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
export const FORMATS = { PCMU, PCMA, G722, CN, EVENT } as const;
const ALL_FORMATS = Object.values(FORMATS);
const SETTINGS: WorkerSettings = {
  dscp: 0,
  mediaTimeoutMs: 300,
  ringBytes: 16 * 1024,
  catchUpFactor: 3,
  latchesForeignSource: true,
};
/** Legs A, B and C, and the streams of two recordings of two. */
export const LEGS = [0, 1, 2] as const;
const RECORDINGS = [
  { id: 1, slots: [3, 4], legs: [0, 1] },
  { id: 2, slots: [5, 6], legs: [0, 1] },
] as const;
const SLOTS = 7;

function plainMemory(bytes: number): IoMemory {
  return memoryOf(new ArrayBuffer(bytes), 0, bytes, 0);
}

/** A worker's packet loop with everything but a kernel and a clock. */
export class ScriptedPlane {
  readonly io: ScriptedPacketIo;
  readonly counters = new Float64Array(SLOTS * COUNTER_STRIDE);
  readonly events: WorkerEvent[] = [];
  readonly loop: PacketLoop;
  readonly #control: WorkerControl;

  /** @param isFast whether packets may go by rows. @param outcome of the nth send of a socket. */
  constructor(isFast: boolean, outcome?: (handle: number, number: number) => SendResult) {
    this.io = new ScriptedPacketIo(isFast, outcome);
    const { io, counters } = this;
    const crypto = createNodeBackend(plainMemory);
    const emit = (event: WorkerEvent): void => void this.events.push(event);
    this.#control = new WorkerControl({ io, crypto, counters, settings: SETTINGS, emit });
    this.loop = new PacketLoop({
      io,
      crypto,
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

export function remote(port: number, parts: Partial<RemoteStream> = {}): RemoteStream {
  return {
    rtp: { host: '192.0.2.1', port },
    rtcp: null,
    rtcpMux: true,
    sends: true,
    receives: true,
    formats: ALL_FORMATS,
    ptimeMs: 20,
    ...parts,
  };
}

/** SRTP with keys of its own for each number. */
export function srtp(
  number: number,
  suite: StreamCrypto['suite'] = 'AES_CM_128_HMAC_SHA1_80',
  mki = '',
): StreamCrypto {
  const bytes = suite === 'AEAD_AES_128_GCM' ? 28 : 30;
  const key = (fill: number): { keySalt: string; mki: string } => ({
    keySalt: Buffer.alloc(bytes, fill).toString('base64'),
    mki,
  });
  return { suite, sendKey: key(2 * number), receiveKey: key(2 * number + 1) };
}

/** The remote of a leg as it is after {@link openLeg}, with something of it changed. */
export function legRemote(slot: number, parts: Partial<RemoteStream> = {}): WorkerCommand {
  return { kind: 'set-remote', slot, remote: remote(20_000 + slot, parts) };
}

export function openLeg(slot: number): WorkerCommand[] {
  const binding = { slot, host: '192.0.2.9', port: 10_000 + 2 * slot };
  return [{ kind: 'open-leg', request: 1, binding, cname: 'x' }, legRemote(slot)];
}

/** What the recorder of a recording has answered. */
export function recorderRemotes(
  which: number,
  parts: (slot: number) => Partial<RemoteStream> = () => ({}),
): WorkerCommand {
  const { id, slots } = RECORDINGS[which]!;
  return {
    kind: 'set-remotes',
    recording: id,
    remotes: slots.map(slot => remote(30_000 + slot, { sends: false, ...parts(slot) })),
  };
}

export function openRecording(which: number): WorkerCommand[] {
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
        formats: ALL_FORMATS,
        ssrc: 0x1000 + slot,
        cname: 'x',
        rules: null,
      })),
    },
    recorderRemotes(which),
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

/** What may be done to a plane, one after the other. */
export type Step =
  | { readonly kind: 'talk'; readonly packets: number }
  | { readonly kind: 'packet'; readonly leg: number; readonly how: PacketKind }
  | { readonly kind: 'command'; readonly commands: readonly WorkerCommand[] }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'look'; readonly look: () => void };

export const PACKET_KINDS = [
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
  'tampered',
  'in-clear',
] as const;
export type PacketKind = (typeof PACKET_KINDS)[number];

const PAYLOAD_TYPES: Partial<Record<PacketKind, number>> = {
  'other-codec': 8,
  event: 101,
  'comfort-noise': 13,
  'unknown-type': 77,
};

/** A phone on one of the legs. */
class Phone {
  #sequence: number;
  #timestamp = 0xffff_f000;
  #ssrc: number;
  #sender: SrtpSender | null = null;
  #crypto: StreamCrypto | undefined;
  readonly #memory = plainMemory(2048 + MAX_SRTP_OVERHEAD_BYTES);
  readonly #backend = createNodeBackend(plainMemory);

  constructor(leg: number) {
    this.#sequence = 65_500 + leg;
    this.#ssrc = 0xdead_0000 + leg;
  }

  /** The phone and the leg have agreed on SRTP, or on none. */
  agree(crypto: StreamCrypto | undefined): void {
    const { suite, receiveKey } = crypto ?? {};
    if (suite !== this.#crypto?.suite || receiveKey?.keySalt !== this.#crypto?.receiveKey.keySalt) {
      this.#sender =
        crypto === undefined
          ? null
          : new SrtpSender(this.#backend, crypto.suite, crypto.receiveKey);
    }
    this.#crypto = crypto;
  }

  /** Makes a packet, and moves on. */
  build(kind: PacketKind): Uint8Array {
    const bytes = Buffer.alloc(kind === 'short' ? 11 : kind === 'long' ? 1400 : 172, 0x55);
    // What another sender sends is not in the phone's numbers.
    const isOther = kind === 'foreign' || kind === 'moved';
    this.#sequence += isOther ? 0 : kind === 'gap' ? 5 : kind === 'jump' ? 20_000 : 1;
    this.#timestamp += isOther ? 0 : kind === 'far-timestamp' ? 80_000 : 160;
    this.#ssrc += kind === 'restarted' ? 1 : 0;
    const back = kind === 'late' ? 3 : kind === 'doubled' ? 1 : 0;
    bytes[0] = kind === 'csrc' ? 0x81 : kind === 'padding' ? 0xa0 : 0x80;
    bytes[1] = (PAYLOAD_TYPES[kind] ?? 0) | (kind === 'marker' ? 0x80 : 0);
    if (bytes.length >= 12) {
      bytes.writeUInt16BE((this.#sequence - back) & 0xffff, 2);
      bytes.writeUInt32BE((this.#timestamp - 160 * back) >>> 0, 4);
      bytes.writeUInt32BE(this.#ssrc >>> 0, 8);
      bytes[bytes.length - 1] = kind === 'padding' ? 4 : this.#sequence & 0xff;
    }
    return kind === 'in-clear' ? bytes : this.#protect(bytes, kind === 'tampered');
  }

  #protect(packet: Uint8Array, isTampered: boolean): Uint8Array {
    if (this.#sender === null) {
      return packet;
    }
    const { bytes } = this.#memory;
    bytes.set(packet);
    const length = this.#sender.protectRtp(this.#memory, 0, packet.length, this.#memory, 0);
    // What the phone itself may not send (twice the same, or nothing sane) goes as it is.
    const sealed = length === 0 ? packet : Uint8Array.from(bytes.subarray(0, length));
    if (isTampered) {
      sealed[20] = (sealed[20] ?? 0) ^ 1;
    }
    return sealed;
  }
}

/** Plays the steps on a plane, 20 ms apart where somebody talks. */
export function play(plane: ScriptedPlane, steps: readonly Step[]): void {
  const phones = LEGS.map(leg => new Phone(leg));
  let nowMs = 1000;
  const advance = (ms: number): void => {
    nowMs += ms;
    plane.loop.nowMs = nowMs;
    plane.loop.onRoundEnd();
  };
  const send = (leg: number, kind: PacketKind): void => {
    const host = kind === 'foreign' ? '198.51.100.7' : '192.0.2.1';
    const port = kind === 'moved' ? 999 : 20_000 + leg;
    plane.packet(leg, phones[leg]!.build(kind), host, port);
  };
  const command = (command: WorkerCommand): void => {
    plane.command(command);
    if (command.kind === 'set-remote') {
      phones[command.slot]!.agree(command.remote.crypto);
    }
  };
  advance(0);
  START.forEach(command);
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
        step.commands.forEach(command);
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
