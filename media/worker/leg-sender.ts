import { type IoMemory, type PacketIo, SEND_FAILED, SEND_OK } from '../io/packet-io';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { MAX_SRTP_OVERHEAD_BYTES } from '../srtp/suites';
import { add, LEG } from './counters';
import { type LegState } from './leg-state';

/** The one way by which media packets leave toward a leg, whoever made them: relay, mixer, telephone events. */
export class LegSender {
  readonly #io: PacketIo;
  readonly #counters: Float64Array;
  /** Where packets are protected: what they are made from is read again by others. */
  readonly #protected: IoMemory;

  constructor(io: PacketIo, counters: Float64Array) {
    this.#io = io;
    this.#counters = counters;
    this.#protected = io.allocate(MAX_PACKET_BYTES + MAX_SRTP_OVERHEAD_BYTES);
  }

  /** Sends one packet whose header has its final numbers, and counts it. */
  send(leg: LegState, memory: IoMemory, at: number, length: number): void {
    const { destination } = leg.rtpLatch;
    let sent: number;
    if (leg.protection === null) {
      sent = this.#io.send(leg.rtpHandle, memory, at, length, destination);
    } else {
      const target = this.#protected;
      const bytes = leg.protection.sender.protectRtp(memory, at, length, target, 0);
      sent =
        bytes === 0 ? SEND_FAILED : this.#io.send(leg.rtpHandle, target, 0, bytes, destination);
    }
    if (sent === SEND_OK) {
      add(this.#counters, leg.counterBase, LEG.packetsSent, 1);
      add(this.#counters, leg.counterBase, LEG.bytesSent, length);
    } else {
      add(this.#counters, leg.counterBase, LEG.sendErrors, 1);
    }
  }
}
