import { type PacketIo } from '../io/packet-io';
import { LegMixer } from '../mixer/leg-mixer';
import { gainOfDb } from '../mixer/mix';
import { mixerBuffers, type MixerHost } from '../mixer/mixer-host';
import { type TelephoneEvent } from '../notices/event-receiver';
import { SoundStore } from '../notices/sound-store';
import { type DtmfHoldRule } from '../ports';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { DueQueue } from './due-queue';
import { type EventHost, LegEvents } from './leg-events';
import { type LegSender } from './leg-sender';
import { type LegState } from './leg-state';
import { LevelMeter } from './level-meter';
import { type WorkerCommand, type WorkerEvent } from './protocol';
import { type Recorder } from './recorder';

/**
 * What is due that soon is looked at already when something else is: a talker who has spoken meanwhile puts it off, and
 * that is found out without a wake-up of its own.
 */
const LOOK_AHEAD_MS = 5;

type NoticeCommand = Extract<WorkerCommand, { kind: 'play-notice' }>;

/**
 * What is done for some legs some of the time: notices, telephone events, levels. A leg that has none of it costs
 * nothing; one that has is served at the end of those rounds in which something of it is due.
 */
export class LegServices {
  readonly sounds = new SoundStore();
  readonly #counters: Float64Array;
  readonly #emit: (event: WorkerEvent) => void;
  readonly #mixerHost: MixerHost;
  readonly #eventHost: EventHost;
  /** Legs that want to be served, by when. */
  readonly #due = new DueQueue<LegState>();

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
    this.#serveSoon(leg);
  }

  stop(leg: LegState, number: number): void {
    leg.mixer?.stop(number);
    this.wake(leg);
  }

  /** The leg's telephone events; watched from its first one on. */
  eventsOf(leg: LegState): LegEvents {
    leg.events ??= new LegEvents(leg, this.#eventHost);
    this.#serveSoon(leg);
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

  /** Something has changed for the leg: what is done for it is looked at anew. */
  wake(leg: LegState): void {
    if (leg.mixer !== null || leg.events !== null) {
      this.#serveSoon(leg);
    }
  }

  /** The leg goes: its notices end. */
  close(leg: LegState): void {
    leg.mixer?.close();
    leg.mixer = null;
    leg.events = null;
    leg.meter = null;
    this.#due.remove(leg);
  }

  /** Does what is due. @returns when it wants to be called again, monotonic ms. */
  service(nowMs: number): number {
    const due = this.#due;
    // At most as many as there are: what would be due again at once waits for the next round.
    for (let left = due.size; left > 0 && due.firstDueMs <= nowMs; left--) {
      this.#serveFirst(nowMs);
    }
    while (due.firstDueMs <= nowMs + LOOK_AHEAD_MS && this.#serveFirst(nowMs)) {
      // The next one may be put off as well.
    }
    return due.firstDueMs;
  }

  /** @returns whether there was one, and it need not be served again as soon as it was due. */
  #serveFirst(nowMs: number): boolean {
    const leg = this.#due.first;
    if (leg === undefined) {
      return false;
    }
    const wasDueMs = this.#due.firstDueMs;
    leg.mixer?.service();
    const nextMs = Math.min(leg.mixer?.nextMs ?? Infinity, leg.events?.service(nowMs) ?? Infinity);
    if (leg.mixer?.isIdle === true) {
      leg.mixer = null;
    }
    if (nextMs === Infinity) {
      this.#due.remove(leg);
    } else {
      this.#due.set(leg, nextMs);
    }
    return nextMs > wasDueMs;
  }

  #serveSoon(leg: LegState): void {
    this.#due.set(leg, -Infinity);
  }

  #tellPress(leg: LegState, { digit, units, clockRateHz }: TelephoneEvent): void {
    const durationMs = Math.round((units * 1000) / clockRateHz);
    this.#emit({ kind: 'dtmf', slot: leg.slot, digit: digit ?? '', durationMs });
  }
}
