import { type PacketIo } from '../io/packet-io';
import { type PeerAddress } from '../io/peer-address';
import { decideLatch, type LatchVerdict } from './latch';

/** The state of {@link decideLatch} for one port, and the address that packets are sent to. */
export class SourceLatch {
  /** Where to send: the locked source, or the signalled address until there is one. */
  readonly destination: PeerAddress;
  isLocked = false;

  readonly #io: PacketIo;
  readonly #signalled: PeerAddress;
  readonly #previous: PeerAddress;
  readonly #candidate: PeerAddress;
  readonly #allowsForeign: boolean;
  /** Whether the source before was somebody else. */
  #isFormerPeer = false;
  #run = 0;

  /** @param destination where the memory of it is to be a certain one. */
  constructor(io: PacketIo, allowsForeign: boolean, destination = io.createAddress()) {
    this.#io = io;
    this.#allowsForeign = allowsForeign;
    this.destination = destination;
    this.#signalled = io.createAddress();
    this.#previous = io.createAddress();
    this.#candidate = io.createAddress();
  }

  /**
   * @param isNewPeer whether it is somebody else's.
   * @returns whether the signalled address changed, which unlocks the latch.
   */
  signal(host: string, port: number, isNewPeer = false): boolean {
    if (this.#signalled.host === host && this.#signalled.port === port) {
      return false;
    }
    if (this.isLocked) {
      this.#previous.copyFrom(this.destination);
      this.#isFormerPeer = false;
    }
    this.#isFormerPeer ||= isNewPeer;
    this.isLocked = false;
    this.#run = 0;
    this.#candidate.clear();
    this.#signalled.set(host, port);
    this.destination.copyFrom(this.#signalled);
    return true;
  }

  /** Whether the source is locked, and no other one has been heard since its last packet. */
  get isSettled(): boolean {
    return this.isLocked && this.#run === 0;
  }

  /** Whether the packet comes from the locked source. The one question that nearly every packet asks. */
  isLockedSource(words: Int32Array, at: number): boolean {
    if (this.isLocked && this.destination.matches(words, at)) {
      this.#run = 0;
      return true;
    }
    return false;
  }

  /** Decides on a packet of any other source, and carries the decision out. */
  judge(words: Int32Array, at: number): LatchVerdict {
    const isSignalledSource = this.#signalled.matches(words, at);
    if (this.isLocked) {
      this.#run = isSignalledSource ? this.#run + 1 : this.#run;
    } else if (this.#candidate.isSet && this.#candidate.matches(words, at)) {
      this.#run++;
    } else {
      this.#candidate.learn(words, at);
      this.#run = 1;
    }
    const verdict = decideLatch({
      isLocked: this.isLocked,
      isLockedSource: this.isLocked && this.destination.matches(words, at),
      isSignalled: this.#signalled.isSet,
      isSignalledSource,
      isSignalledHost: this.#signalled.sameHost(words, at),
      isPreviousSource: this.#previous.isSet && this.#previous.matches(words, at),
      isFormerPeer: this.#isFormerPeer,
      run: this.#run,
      allowsForeign: this.#allowsForeign,
    });
    if (verdict === 'lock') {
      this.isLocked = true;
      this.#run = 0;
      this.destination.learn(words, at);
      this.#previous.clear();
      this.#isFormerPeer = false;
    }
    return verdict;
  }

  release(): void {
    for (const address of [this.destination, this.#signalled, this.#previous, this.#candidate]) {
      this.#io.releaseAddress(address);
    }
  }
}
