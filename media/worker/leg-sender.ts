import { type IoMemory, type PacketIo, SEND_OK } from '../io/packet-io';
import { add, LEG } from './counters';
import { type LegState } from './leg-state';

/** The one way by which media packets leave toward a leg, whoever made them: relay, mixer, telephone events. */
export class LegSender {
  readonly #io: PacketIo;
  readonly #counters: Float64Array;

  constructor(io: PacketIo, counters: Float64Array) {
    this.#io = io;
    this.#counters = counters;
  }

  /** Sends one packet whose header has its final numbers, and counts it. */
  send(leg: LegState, memory: IoMemory, at: number, length: number): void {
    const sent = this.#io.send(leg.rtpHandle, memory, at, length, leg.rtpLatch.destination);
    if (sent === SEND_OK) {
      add(this.#counters, leg.counterBase, LEG.packetsSent, 1);
      add(this.#counters, leg.counterBase, LEG.bytesSent, length);
    } else {
      add(this.#counters, leg.counterBase, LEG.sendErrors, 1);
    }
  }
}
