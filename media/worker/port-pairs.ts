import { type OpenSocketResult, type PacketIo, type SocketHandle } from '../io/packet-io';
import { type SlotBinding } from './protocol';

/** Room for 20 ms packets of one leg for seconds, should the worker be held up. */
const RTP_BUFFER_BYTES = 256 * 1024;
const RTCP_BUFFER_BYTES = 16 * 1024;

/** The two sockets of a slot: RTP on a port, RTCP on the next. */
export interface PortPair {
  readonly rtp: SocketHandle;
  readonly rtcp: SocketHandle;
}

/** A slot whose pair could not be opened ahead, and why. */
export interface Unopened {
  readonly slot: number;
  readonly error: string;
}

/** Opens the port pairs of slots, some of them ahead of their use. */
export class PortPairs {
  readonly #io: PacketIo;
  readonly #dscp: number;
  /** Pairs that were opened ahead of their use, by slot. What comes in on them is dropped. */
  readonly #spares = new Map<number, PortPair>();

  /** @param dscp of everything that the pairs send. */
  constructor(io: PacketIo, dscp: number) {
    this.#io = io;
    this.#dscp = dscp;
  }

  /** Opens pairs ahead of their use, one after the other. @param done gets those that could not be opened. */
  openSpares(bindings: readonly SlotBinding[], done: (unopened: Unopened[]) => void): void {
    const unopened: Unopened[] = [];
    const openFrom = (index: number): void => {
      const binding = bindings[index];
      if (binding === undefined) {
        done(unopened);
        return;
      }
      this.open(binding, (error, pair) => {
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

  /**
   * Opens a pair, or takes the one that was opened ahead.
   * @param done called once, possibly before this returns: the pair, or null and what the system said.
   */
  open(binding: SlotBinding, done: (error: string | null, pair: PortPair | null) => void): void {
    const spare = this.#spares.get(binding.slot);
    if (spare !== undefined) {
      this.#spares.delete(binding.slot);
      done(null, spare);
      return;
    }
    this.#openSocket(binding, false, rtp => {
      if ('error' in rtp) {
        done(rtp.error, null);
        return;
      }
      this.#openSocket(binding, true, rtcp => {
        if ('error' in rtcp) {
          this.#io.close(rtp.handle);
          done(rtcp.error, null);
          return;
        }
        done(null, { rtp: rtp.handle, rtcp: rtcp.handle });
      });
    });
  }

  #openSocket(
    { host, port, slot }: SlotBinding,
    isRtcp: boolean,
    then: (result: OpenSocketResult) => void,
  ): void {
    const offset = isRtcp ? 1 : 0;
    const bufferBytes = isRtcp ? RTCP_BUFFER_BYTES : RTP_BUFFER_BYTES;
    const options = { host, port: port + offset, dscp: this.#dscp, bufferBytes };
    this.#io.open(slot * 2 + offset, options, then);
  }
}
