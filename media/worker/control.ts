import { assertNever, type PayloadFormat, type RemoteStream } from '#core';
import { randomBytes } from 'node:crypto';
import { type OpenSocketResult, type PacketIo, type SocketHandle } from '../io/packet-io';
import { clockRateTable } from '../rtp/payload-types';
import { StreamRewriter } from '../rtp/rewriter';
import { type StateRow } from '../rtp/state-row';
import { type CryptoBackend } from '../srtp/crypto-backend';
import { releaseProtection, updateProtection } from '../srtp/stream-protection';
import { add, COUNTER_STRIDE, STREAM } from './counters';
import { LegState } from './leg-state';
import { type PacketLoop } from './packet-loop';
import {
  type SlotBinding,
  type StreamSetup,
  type WorkerCommand,
  type WorkerEvent,
  type WorkerSettings,
} from './protocol';
import { MAX_SLIP_MS, RecordingState, RecordingStreamState } from './recording-state';
import { LEG_ROW, STREAM_ROW } from './state-table';
import { applyLegRemote, applyStreamRemote } from './remotes';

/** Room for 20 ms packets of one leg for seconds, should the worker be held up. */
const RTP_BUFFER_BYTES = 256 * 1024;
const RTCP_BUFFER_BYTES = 16 * 1024;

type CommandOf<K extends WorkerCommand['kind']> = Extract<WorkerCommand, { kind: K }>;
/** Commands about what is done for a leg beside relaying. */
type LegCommand = CommandOf<
  'play-notice' | 'stop-notice' | 'hold-dtmf' | 'release-dtmf' | 'watch-level'
>;
interface SocketPair {
  readonly rtp: SocketHandle;
  readonly rtcp: SocketHandle;
}

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
  /** Pairs that were opened ahead of their use, by slot. What comes in on them is dropped. */
  readonly #spares = new Map<number, SocketPair>();
  #loop: PacketLoop | null = null;

  constructor(options: WorkerControlOptions) {
    this.#io = options.io;
    this.#crypto = options.crypto;
    this.#counters = options.counters;
    this.#settings = options.settings;
    this.#emit = options.emit;
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
        this.#openRecording(command);
        break;
      case 'set-gate':
        this.#setGate(command);
        this.#reply(command.request);
        break;
      case 'set-remotes':
        this.#setStreamRemotes(command.recording, command.remotes);
        break;
      case 'set-rules':
        this.#attached.streams[command.slot]?.rules.setRules(command.rules);
        break;
      case 'set-source':
        this.#setSource(command);
        break;
      case 'rewind':
        this.#rewind(command);
        break;
      case 'close-recording':
        this.#closeRecording(command);
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

  /** Ends a recording that was asked to close: BYE, sockets, memory, answer. */
  finishRecording(recording: RecordingState): void {
    const loop = this.#attached;
    loop.recordings.delete(recording.id);
    for (const stream of recording.streams) {
      loop.reporter.byeToSrs(stream, loop.nowMs);
      this.#dropStream(stream);
    }
    if (recording.closing !== null) {
      this.#reply(recording.closing.request);
    }
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
    this.#openPair(binding, (error, pair) => {
      if (pair === null) {
        this.#reply(request, error, binding.slot);
        return;
      }
      this.#clearCounters(binding.slot);
      const { table, legs } = this.#attached;
      const output = table.row(binding.slot, LEG_ROW.output);
      table.clear(binding.slot);
      legs[binding.slot] = new LegState(this.#io, table, {
        slot: binding.slot,
        rtpHandle: pair.rtp,
        rtcpHandle: pair.rtcp,
        output: newStream(randomBytes(4).readUInt32BE(), false, output),
        cname: Buffer.from(cname),
        allowsForeign: this.#settings.latchesForeignSource,
      });
      this.#reply(request);
    });
  }

  #openSpares({ request, bindings }: CommandOf<'open-spares'>): void {
    const unopened: { slot: number; error: string }[] = [];
    const openFrom = (index: number): void => {
      const binding = bindings[index];
      if (binding === undefined) {
        const reply = { request, error: null, busySlot: null, atMs: Date.now() };
        this.#emit({ kind: 'reply', ...reply, unopened });
        return;
      }
      this.#openPair(binding, (error, pair) => {
        if (pair === null) {
          unopened.push({ slot: binding.slot, error: error ?? '' });
        } else {
          this.#spares.set(binding.slot, pair);
        }
        openFrom(index + 1);
      });
    };
    openFrom(0);
  }

  /** Opens a pair, or takes the one that was opened ahead. */
  #openPair(
    binding: SlotBinding,
    done: (error: string | null, pair: SocketPair | null) => void,
  ): void {
    const spare = this.#spares.get(binding.slot);
    if (spare !== undefined) {
      this.#spares.delete(binding.slot);
      done(null, spare);
      return;
    }
    const open = (
      isRtcp: boolean,
      bufferBytes: number,
      then: (result: OpenSocketResult) => void,
    ): void => {
      const offset = isRtcp ? 1 : 0;
      const { host, port, slot } = binding;
      const { dscp } = this.#settings;
      this.#io.open(slot * 2 + offset, { host, port: port + offset, dscp, bufferBytes }, then);
    };
    open(false, RTP_BUFFER_BYTES, rtp => {
      if ('error' in rtp) {
        done(rtp.error, null);
        return;
      }
      open(true, RTCP_BUFFER_BYTES, rtcp => {
        if ('error' in rtcp) {
          this.#io.close(rtp.handle);
          done(rtcp.error, null);
          return;
        }
        done(null, { rtp: rtp.handle, rtcp: rtcp.handle });
      });
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

  #openRecording(command: CommandOf<'open-recording'>): void {
    const loop = this.#attached;
    const wallOffsetMs = Date.now() - performance.now();
    const recording = new RecordingState(
      command.recording,
      command.gateOpen,
      wallOffsetMs,
      loop.nowMs,
    );
    const opened: RecordingStreamState[] = [];
    const openNext = (): void => {
      const setup = command.streams[opened.length];
      if (setup === undefined) {
        recording.streams = opened;
        opened.forEach((stream, i) => {
          this.#attachStream(stream, command.streams[i]?.sourceSlot ?? -1);
        });
        loop.recordings.set(recording.id, recording);
        this.#reply(command.request);
        return;
      }
      this.#openPair(setup.binding, (error, pair) => {
        if (pair === null) {
          opened.forEach(stream => this.#dropStream(stream));
          this.#reply(command.request, error, setup.binding.slot);
          return;
        }
        opened.push(this.#createStream(recording, setup, pair));
        openNext();
      });
    };
    openNext();
  }

  #createStream(
    recording: RecordingState,
    setup: StreamSetup,
    pair: SocketPair,
  ): RecordingStreamState {
    const { slot } = setup.binding;
    this.#clearCounters(slot);
    const { table, rings } = this.#attached;
    table.clear(slot);
    const stream = new RecordingStreamState(
      this.#io,
      table,
      recording,
      {
        slot,
        rtpHandle: pair.rtp,
        rtcpHandle: pair.rtcp,
        output: newStream(setup.ssrc, true, table.row(slot, STREAM_ROW.output)),
        cname: Buffer.from(setup.cname),
        ring: rings.take(table.row(slot, STREAM_ROW.ring)),
      },
      clockRateTable(setup.formats),
    );
    if (setup.rules !== null) {
      stream.rules.setRules(setup.rules);
    }
    return stream;
  }

  #attachStream(stream: RecordingStreamState, sourceSlot: number): void {
    const loop = this.#attached;
    loop.streams[stream.slot] = stream;
    stream.source = loop.legs[sourceSlot] ?? null;
    stream.source?.taps.push(stream);
    stream.source?.unsettle();
  }

  #dropStream(stream: RecordingStreamState): void {
    this.#attached.streams[stream.slot] = null;
    detach(stream);
    this.#io.close(stream.rtpHandle);
    this.#io.close(stream.rtcpHandle);
    this.#io.releaseAddress(stream.rtpRemote);
    this.#io.releaseAddress(stream.rtcpRemote);
    this.#attached.rings.giveBack(stream.ring);
    releaseProtection(stream.protection);
    stream.protection = null;
  }

  #setGate({ recording: id, open, fillsSilence }: CommandOf<'set-gate'>): void {
    const { recordings, filler, nowMs } = this.#attached;
    const recording = recordings.get(id);
    if (recording?.closing !== null) {
      return;
    }
    const { gateOpen: wasOpen, isFilled: wasFilled } = recording;
    recording.gateOpen = open;
    if (open && !wasOpen) {
      recording.gateOpenedAtMs = nowMs;
      // What was missed while the gate was shut is no loss, and it took its time.
      recording.streams.forEach(stream => {
        stream.output.startNewRun();
        stream.isFirstOfGate ||= !wasFilled;
      });
    }
    const isFilled = !open && fillsSilence;
    if (isFilled && !wasFilled) {
      filler.start(recording, nowMs);
    } else if (!isFilled) {
      filler.stop(recording);
    }
  }

  #setStreamRemotes(id: number, remotes: readonly (RemoteStream | null)[]): void {
    const loop = this.#attached;
    const recording = loop.recordings.get(id);
    if (recording === undefined) {
      return;
    }
    recording.streams.forEach((stream, i) => {
      const remote = remotes[i] ?? null;
      stream.protection = updateProtection(this.#crypto, stream.protection, remote?.crypto);
      const unaccepted = applyStreamRemote(this.#io, stream, remote);
      add(this.#counters, stream.counterBase, STREAM.unaccepted, unaccepted);
    });
    loop.recorder.startCatchingUp(recording, loop.nowMs);
  }

  #rewind({ request, recording: id, fromWallMs }: CommandOf<'rewind'>): void {
    const loop = this.#attached;
    const recording = loop.recordings.get(id);
    const { wallOffsetMs = 0 } = recording ?? {};
    const oldestMs =
      recording === undefined
        ? Infinity
        : loop.recorder.rewind(recording, fromWallMs - wallOffsetMs);
    this.#reply(request, null, null, oldestMs + wallOffsetMs);
  }

  #setSource(command: CommandOf<'set-source'>): void {
    const loop = this.#attached;
    const stream = loop.streams[command.slot];
    if (stream?.recording.closing !== null) {
      return;
    }
    detach(stream);
    stream.clockRates = clockRateTable(command.formats satisfies readonly PayloadFormat[]);
    stream.output.startNewRun();
    this.#attachStream(stream, command.sourceSlot);
  }

  #closeRecording({ request, recording: id, drainMs }: CommandOf<'close-recording'>): void {
    const loop = this.#attached;
    const recording = loop.recordings.get(id);
    if (recording === undefined) {
      this.#reply(request);
      return;
    }
    recording.gateOpen = false;
    loop.filler.stop(recording);
    recording.streams.forEach(detach);
    // The end of the round looks whether anything is left to send.
    recording.closing = { request, deadlineMs: loop.nowMs + drainMs };
  }

  #clearCounters(slot: number): void {
    this.#counters.fill(0, slot * COUNTER_STRIDE, (slot + 1) * COUNTER_STRIDE);
  }
}

/** The leg is copied into the stream no longer. */
function detach(stream: RecordingStreamState): void {
  const { source } = stream;
  if (source !== null) {
    source.taps = source.taps.filter(tap => tap !== stream);
    source.unsettle();
    stream.source = null;
  }
}

function newStream(ssrc: number, isRecording: boolean, row: StateRow): StreamRewriter {
  const random = randomBytes(6);
  return new StreamRewriter(
    {
      ssrc,
      // Below 2¹⁵: losing the first packets then leaves no doubt about the rollover counter of SRTP (RFC 3711 §3.3.1).
      firstSequence: random.readUInt16BE(0) & 0x7fff,
      firstTimestamp: random.readUInt32BE(2),
      maxSlipMs: isRecording ? MAX_SLIP_MS : 0,
      splitsAtClockChange: isRecording,
    },
    row,
  );
}
