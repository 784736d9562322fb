import { assertNever, type RemoteStream } from '#core';
import { randomBytes } from 'node:crypto';
import { type PacketIo } from '../io/packet-io';
import { type CryptoBackend } from '../srtp/crypto-backend';
import { releaseProtection, updateProtection } from '../srtp/stream-protection';
import { clearRow } from './counters';
import { LegState } from './leg-state';
import { newOutput } from './new-output';
import { type PacketLoop } from './packet-loop';
import { PortPairs } from './port-pairs';
import {
  type CommandOf,
  type WorkerCommand,
  type WorkerEvent,
  type WorkerSettings,
} from './protocol';
import { RecordingControl } from './recording-control';
import { type RecordingState } from './recording-state';
import { applyLegRemote } from './remotes';
import { LEG_ROW } from './state-table';

/** Commands about what is done for a leg beside relaying. */
type LegCommand = CommandOf<
  'play-notice' | 'stop-notice' | 'hold-dtmf' | 'release-dtmf' | 'watch-level'
>;

export interface WorkerControlOptions {
  readonly io: PacketIo;
  readonly crypto: CryptoBackend;
  readonly counters: Float64Array;
  readonly settings: WorkerSettings;
  readonly emit: (event: WorkerEvent) => void;
}

/** Carries out the facade's commands between rounds of packets. */
export class WorkerControl {
  readonly #io: PacketIo;
  readonly #crypto: CryptoBackend;
  readonly #counters: Float64Array;
  readonly #settings: WorkerSettings;
  readonly #emit: (event: WorkerEvent) => void;
  readonly #pairs: PortPairs;
  readonly #recordings: RecordingControl;
  #loop: PacketLoop | null = null;

  constructor(options: WorkerControlOptions) {
    this.#io = options.io;
    this.#crypto = options.crypto;
    this.#counters = options.counters;
    this.#settings = options.settings;
    this.#emit = options.emit;
    this.#pairs = new PortPairs(options.io, options.settings.dscp);
    this.#recordings = new RecordingControl({
      io: options.io,
      crypto: options.crypto,
      counters: options.counters,
      pairs: this.#pairs,
      loop: () => this.#attached,
      reply: (...answer) => this.#reply(...answer),
    });
  }

  /** The loop whose state the commands change; set once, before the first command. */
  attach(loop: PacketLoop): void {
    this.#loop = loop;
  }

  /** @returns false for the command that ends the worker. */
  execute(command: WorkerCommand): boolean {
    // Before, for those that it leaves, and after, for those that it joins.
    this.#unsettle(command);
    const goesOn = this.#carryOut(command);
    this.#unsettle(command);
    return goesOn;
  }

  /** Whatever a command may change, the packets of all that it names are looked at anew: see plain-packet. */
  #unsettle(command: WorkerCommand): void {
    const { legs, streams, recordings } = this.#attached;
    const slots =
      'slotA' in command
        ? [command.slotA, command.slotB]
        : 'slot' in command
          ? [command.slot]
          : 'binding' in command
            ? [command.binding.slot]
            : [];
    for (const slot of slots) {
      const leg = legs[slot];
      leg?.unsettle();
      leg?.peer?.unsettle();
      streams[slot]?.recording.unsettle();
    }
    if ('recording' in command) {
      recordings.get(command.recording)?.unsettle();
    }
  }

  #carryOut(command: WorkerCommand): boolean {
    switch (command.kind) {
      case 'open-spares':
        this.#openSpares(command);
        break;
      case 'open-leg':
        this.#openLeg(command);
        break;
      case 'set-remote':
        this.#setLegRemote(command.slot, command.remote);
        break;
      case 'connect':
        this.#connect(command.slotA, command.slotB);
        break;
      case 'close-leg':
        this.#closeLeg(command.slot);
        this.#reply(command.request);
        break;
      case 'open-recording':
        this.#recordings.open(command);
        break;
      case 'set-gate':
        this.#recordings.setGate(command);
        this.#reply(command.request);
        break;
      case 'set-remotes':
        this.#recordings.setRemotes(command.recording, command.remotes);
        break;
      case 'set-rules':
        this.#attached.streams[command.slot]?.rules.setRules(command.rules);
        break;
      case 'set-source':
        this.#recordings.setSource(command);
        break;
      case 'rewind':
        this.#recordings.rewind(command);
        break;
      case 'close-recording':
        this.#recordings.close(command);
        break;
      case 'define-sound':
        this.#attached.services.sounds.define(command.soundId, command.render, command.values);
        break;
      case 'forget-sound':
        this.#attached.services.sounds.forget(command.soundId);
        break;
      case 'play-notice':
      case 'stop-notice':
      case 'hold-dtmf':
      case 'release-dtmf':
      case 'watch-level':
        this.#serveLeg(command);
        break;
      case 'shutdown':
        return false;
      default:
        assertNever(command);
    }
    return true;
  }

  /** Ends a recording that was asked to close and has nothing left to send. */
  finishRecording(recording: RecordingState): void {
    this.#recordings.finish(recording);
  }

  get #attached(): PacketLoop {
    if (this.#loop === null) {
      throw new Error('commands came before the loop');
    }
    return this.#loop;
  }

  #reply(
    request: number,
    error: string | null = null,
    busySlot: number | null = null,
    atMs = Date.now(),
  ): void {
    this.#emit({ kind: 'reply', request, error, busySlot, atMs });
  }

  #openLeg({ request, binding, cname }: CommandOf<'open-leg'>): void {
    this.#pairs.open(binding, (error, pair) => {
      if (pair === null) {
        this.#reply(request, error, binding.slot);
        return;
      }
      clearRow(this.#counters, binding.slot);
      const { table, legs } = this.#attached;
      const output = table.row(binding.slot, LEG_ROW.output);
      table.clear(binding.slot);
      legs[binding.slot] = new LegState(this.#io, table, {
        slot: binding.slot,
        rtpHandle: pair.rtp,
        rtcpHandle: pair.rtcp,
        output: newOutput(randomBytes(4).readUInt32BE(), false, output),
        cname,
        allowsForeign: this.#settings.latchesForeignSource,
      });
      this.#reply(request);
    });
  }

  #openSpares({ request, bindings }: CommandOf<'open-spares'>): void {
    this.#pairs.openSpares(bindings, unopened => {
      const reply = { request, error: null, busySlot: null, atMs: Date.now() };
      this.#emit({ kind: 'reply', ...reply, unopened });
    });
  }

  #setLegRemote(slot: number, remote: RemoteStream): void {
    const loop = this.#attached;
    const leg = loop.legs[slot];
    if (leg) {
      leg.protection = updateProtection(this.#crypto, leg.protection, remote.crypto);
      applyLegRemote(leg, remote, loop.nowMs);
      loop.services.wake(leg);
    }
  }

  #serveLeg(command: LegCommand): void {
    const loop = this.#attached;
    const leg = loop.legs[command.slot];
    if (!leg) {
      return;
    }
    switch (command.kind) {
      case 'play-notice':
        loop.services.play(leg, command);
        break;
      case 'stop-notice':
        loop.services.stop(leg, command.number);
        break;
      case 'hold-dtmf':
        loop.services.holdEvents(leg, command.rule);
        break;
      case 'release-dtmf':
        loop.services.releaseEvents(leg, command.action);
        break;
      case 'watch-level':
        loop.services.watchLevel(leg, command.on);
        break;
      default:
        assertNever(command);
    }
  }

  #connect(slotA: number, slotB: number): void {
    const { legs } = this.#attached;
    const legA = legs[slotA];
    const legB = legs[slotB];
    if (!legA || !legB || (legA.peer === legB && legB.peer === legA)) {
      return;
    }
    for (const leg of [legA, legB]) {
      if (leg.peer !== null) {
        leg.peer.peer = null;
      }
    }
    legA.peer = legB;
    legB.peer = legA;
    legA.output.startNewRun();
    legB.output.startNewRun();
  }

  #closeLeg(slot: number): void {
    const loop = this.#attached;
    const leg = loop.legs[slot];
    if (!leg) {
      return;
    }
    loop.services.close(leg);
    loop.reporter.byeToLeg(leg, loop.nowMs, Date.now());
    loop.legs[slot] = null;
    if (leg.peer?.peer === leg) {
      leg.peer.peer = null;
    }
    for (const tap of leg.taps) {
      tap.source = null;
    }
    leg.taps = [];
    this.#io.close(leg.rtpHandle);
    this.#io.close(leg.rtcpHandle);
    leg.rtpLatch.release();
    leg.rtcpLatch.release();
    releaseProtection(leg.protection);
    leg.protection = null;
  }
}
