import { type PayloadFormat, type RemoteStream } from '#core';
import { type PacketIo } from '../io/packet-io';
import { clockRateTable } from '../rtp/payload-types';
import { type CryptoBackend } from '../srtp/crypto-backend';
import { releaseProtection, updateProtection } from '../srtp/stream-protection';
import { add, clearRow, STREAM } from './counters';
import { newOutput } from './new-output';
import { type PacketLoop } from './packet-loop';
import { type PortPair, type PortPairs } from './port-pairs';
import { type CommandOf, type StreamSetup } from './protocol';
import { RecordingState, RecordingStreamState } from './recording-state';
import { applyStreamRemote } from './remotes';
import { type Reply } from './reply';
import { STREAM_ROW } from './state-table';

export interface RecordingControlOptions {
  readonly io: PacketIo;
  readonly crypto: CryptoBackend;
  readonly counters: Float64Array;
  readonly pairs: PortPairs;
  /** The loop whose state the commands change. */
  readonly loop: () => PacketLoop;
  readonly reply: Reply;
}

/** Carries out the facade's commands about recordings. */
export class RecordingControl {
  readonly #io: PacketIo;
  readonly #crypto: CryptoBackend;
  readonly #counters: Float64Array;
  readonly #pairs: PortPairs;
  readonly #loop: () => PacketLoop;
  readonly #reply: Reply;

  constructor(options: RecordingControlOptions) {
    this.#io = options.io;
    this.#crypto = options.crypto;
    this.#counters = options.counters;
    this.#pairs = options.pairs;
    this.#loop = options.loop;
    this.#reply = options.reply;
  }

  open(command: CommandOf<'open-recording'>): void {
    const loop = this.#loop();
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
        recording.streams = [...opened];
        opened.forEach((stream, i) => {
          this.#attachStream(stream, command.streams[i]?.sourceSlot ?? -1);
        });
        loop.recordings.set(recording.id, recording);
        this.#reply(command.request);
        return;
      }
      this.#pairs.open(setup.binding, (error, pair) => {
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

  setGate({ recording: id, open, fillsSilence }: CommandOf<'set-gate'>): void {
    const { recordings, filler, nowMs } = this.#loop();
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

  setRemotes(id: number, remotes: readonly (RemoteStream | null)[]): void {
    const loop = this.#loop();
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

  rewind({ request, recording: id, fromWallMs }: CommandOf<'rewind'>): void {
    const loop = this.#loop();
    const recording = loop.recordings.get(id);
    const { wallOffsetMs = 0 } = recording ?? {};
    const oldestMs =
      recording === undefined
        ? Infinity
        : loop.recorder.rewind(recording, fromWallMs - wallOffsetMs);
    this.#reply(request, null, null, oldestMs + wallOffsetMs);
  }

  setSource(command: CommandOf<'set-source'>): void {
    const loop = this.#loop();
    const stream = loop.streams[command.slot];
    if (stream?.recording.closing !== null) {
      return;
    }
    detach(stream);
    stream.clockRates = clockRateTable(command.formats satisfies readonly PayloadFormat[]);
    stream.output.startNewRun();
    this.#attachStream(stream, command.sourceSlot);
  }

  close({ request, recording: id, drainMs }: CommandOf<'close-recording'>): void {
    const loop = this.#loop();
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

  /** Ends a recording that was asked to close: BYE, sockets, memory, answer. */
  finish(recording: RecordingState): void {
    const loop = this.#loop();
    loop.recordings.delete(recording.id);
    for (const stream of recording.streams) {
      loop.reporter.byeToSrs(stream, loop.nowMs);
      this.#dropStream(stream);
    }
    if (recording.closing !== null) {
      this.#reply(recording.closing.request);
    }
  }

  #createStream(
    recording: RecordingState,
    setup: StreamSetup,
    pair: PortPair,
  ): RecordingStreamState {
    const { slot } = setup.binding;
    clearRow(this.#counters, slot);
    const { table, rings } = this.#loop();
    table.clear(slot);
    const stream = new RecordingStreamState(
      this.#io,
      table,
      recording,
      {
        slot,
        rtpHandle: pair.rtp,
        rtcpHandle: pair.rtcp,
        output: newOutput(setup.ssrc, true, table.row(slot, STREAM_ROW.output)),
        cname: setup.cname,
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
    const loop = this.#loop();
    loop.streams[stream.slot] = stream;
    const source = loop.legs[sourceSlot] ?? null;
    stream.source = source;
    if (source !== null) {
      // Not pushed: a list that grows keeps room for a dozen more.
      source.taps = [...source.taps, stream];
      source.unsettle();
    }
  }

  #dropStream(stream: RecordingStreamState): void {
    this.#loop().streams[stream.slot] = null;
    detach(stream);
    this.#io.close(stream.rtpHandle);
    this.#io.close(stream.rtcpHandle);
    this.#io.releaseAddress(stream.rtpRemote);
    this.#io.releaseAddress(stream.rtcpRemote);
    this.#loop().rings.giveBack(stream.ring);
    releaseProtection(stream.protection);
    stream.protection = null;
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
