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
  /** What was locked before the signalled address changed, until another source is locked. */
  #previous: PeerAddress | null = null;
  /** The source heard last while none is locked. */
  #candidate: PeerAddress | null = null;
  readonly #allowsForeign: boolean;
  readonly #ownsDestination: boolean;
  /** Whether the source before was somebody else. */
  #isFormerPeer = false;
  #run = 0;

  /** @param destination the caller's, where the memory of it is to be a certain one. */
  constructor(io: PacketIo, allowsForeign: boolean, destination: PeerAddress | null = null) {
    this.#io = io;
    this.#allowsForeign = allowsForeign;
    this.#ownsDestination = destination === null;
    this.destination = destination ?? io.createAddress();
    this.#signalled = io.createAddress();
  }

  /**
   * @param isNewPeer whether it is somebody else's.
   * @returns whether the signalled address changed, which unlocks the latch.
   */
  signal(host: string, port: number, isNewPeer = false): boolean {
    if (this.#signalled.isAt(host, port)) {
      return false;
    }
    if (this.isLocked) {
      this.#previous ??= this.#io.createAddress();
      this.#previous.copyFrom(this.destination);
      this.#isFormerPeer = false;
    }
    this.#isFormerPeer ||= isNewPeer;
    this.isLocked = false;
    this.#run = 0;
    this.#candidate = this.#drop(this.#candidate);
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
    } else {
      this.#run = this.#candidate?.matches(words, at) === true ? this.#run + 1 : 1;
    }
    const verdict = decideLatch({
      isLocked: this.isLocked,
      isLockedSource: this.isLocked && this.destination.matches(words, at),
      isSignalled: this.#signalled.isSet,
      isSignalledSource,
      isSignalledHost: this.#signalled.sameHost(words, at),
      isPreviousSource: this.#previous?.matches(words, at) === true,
      isFormerPeer: this.#isFormerPeer,
      run: this.#run,
      allowsForeign: this.#allowsForeign,
    });
    if (verdict === 'lock') {
      this.isLocked = true;
      this.#run = 0;
      this.destination.learn(words, at);
      this.#previous = this.#drop(this.#previous);
      this.#candidate = this.#drop(this.#candidate);
      this.#isFormerPeer = false;
    } else if (!this.isLocked) {
      this.#candidate ??= this.#io.createAddress();
      this.#candidate.learn(words, at);
    }
    return verdict;
  }

  /** Gives the addresses back; the latch is not used any more. */
  release(): void {
    this.#drop(this.#previous);
    this.#drop(this.#candidate);
    this.#io.releaseAddress(this.#signalled);
    if (this.#ownsDestination) {
      this.#io.releaseAddress(this.destination);
    }
  }

  #drop(address: PeerAddress | null): null {
    if (address !== null) {
      this.#io.releaseAddress(address);
    }
    return null;
  }
}
