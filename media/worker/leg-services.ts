import { type PacketIo } from '../io/packet-io';
import { LegMixer, mixerBuffers, type MixerHost } from '../mixer/leg-mixer';
import { gainOfDb } from '../mixer/mix';
import { type TelephoneEvent } from '../notices/event-receiver';
import { SoundStore } from '../notices/sound-store';
import { type DtmfHoldRule } from '../ports';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { type EventHost, LegEvents } from './leg-events';
import { type LegSender } from './leg-sender';
import { type LegState } from './leg-state';
import { LevelMeter } from './level-meter';
import { type WorkerCommand, type WorkerEvent } from './protocol';
import { type Recorder } from './recorder';

type NoticeCommand = Extract<WorkerCommand, { kind: 'play-notice' }>;

/**
 * What is done for some legs some of the time: notices, telephone events, levels. A leg that has none of it costs
 * nothing; one that has is served at the end of rounds.
 */
export class LegServices {
  readonly sounds = new SoundStore();
  readonly #counters: Float64Array;
  readonly #emit: (event: WorkerEvent) => void;
  readonly #mixerHost: MixerHost;
  readonly #eventHost: EventHost;
  /** Legs that want to be served. */
  readonly #served: LegState[] = [];

  constructor(
    io: PacketIo,
    counters: Float64Array,
    sender: LegSender,
    recorder: Recorder,
    emit: (event: WorkerEvent) => void,
    clock: MixerHost['clock'],
  ) {
    this.#counters = counters;
    this.#emit = emit;
    const memory = io.allocate(MAX_PACKET_BYTES);
    this.#mixerHost = {
      ...mixerBuffers(memory),
      clock,
      sounds: this.sounds,
      send: (leg, from, at, length) => sender.send(leg, from, at, length),
      ended: (leg, { number, startedAtMs }, outcome) => {
        const endedAtMs = startedAtMs === null ? null : Date.now();
        emit({ kind: 'notice-ended', slot: leg.slot, number, outcome, startedAtMs, endedAtMs });
      },
    };
    this.#eventHost = {
      memory,
      sender,
      recorder,
      pressed: (leg, event) => this.#tellPress(leg, event),
    };
  }

  play(leg: LegState, command: NoticeCommand): void {
    leg.mixer ??= new LegMixer(leg, this.#mixerHost);
    leg.mixer.play({
      number: command.number,
      soundId: command.soundId,
      duckGain: gainOfDb(-command.duckDb),
      durationMs: command.durationMs,
      startedAtMs: null,
      deadlineMs: Infinity,
      isStopping: false,
    });
    this.#serve(leg);
  }

  /** The leg's telephone events; watched from its first one on. */
  eventsOf(leg: LegState): LegEvents {
    leg.events ??= new LegEvents(leg, this.#eventHost);
    this.#serve(leg);
    return leg.events;
  }

  holdEvents(leg: LegState, rule: DtmfHoldRule | null): void {
    if (rule !== null || leg.events !== null) {
      this.eventsOf(leg).hold.setRule(rule);
    }
  }

  releaseEvents(leg: LegState, action: 'relay' | 'drop'): void {
    if (leg.events !== null) {
      this.eventsOf(leg).hold.release(action);
    }
  }

  watchLevel(leg: LegState, on: boolean): void {
    leg.meter = on ? new LevelMeter(this.#counters, leg.counterBase) : null;
  }

  /** The leg goes: its notices end. */
  close(leg: LegState): void {
    leg.mixer?.close();
    leg.mixer = null;
    leg.events = null;
    leg.meter = null;
  }

  /** Does what is due. @returns when it wants to be called again, monotonic ms. */
  service(nowMs: number): number {
    let nextMs = Infinity;
    for (let i = this.#served.length - 1; i >= 0; i--) {
      const leg = this.#served[i];
      if (leg === undefined) {
        continue;
      }
      leg.mixer?.service();
      const mixerMs = leg.mixer?.nextMs ?? Infinity;
      const eventsMs = leg.events?.service(nowMs) ?? Infinity;
      if (leg.mixer?.isIdle === true) {
        leg.mixer = null;
      }
      if (leg.mixer === null && eventsMs === Infinity) {
        leg.isServed = false;
        this.#served.splice(i, 1);
      }
      nextMs = Math.min(nextMs, mixerMs, eventsMs);
    }
    return nextMs;
  }

  #serve(leg: LegState): void {
    if (!leg.isServed) {
      leg.isServed = true;
      this.#served.push(leg);
    }
  }

  #tellPress(leg: LegState, { digit, units, clockRateHz }: TelephoneEvent): void {
    const durationMs = Math.round((units * 1000) / clockRateHz);
    this.#emit({ kind: 'dtmf', slot: leg.slot, digit: digit ?? '', durationMs });
  }
}
