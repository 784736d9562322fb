/**
 * Symmetric RTP with a lock (RFC 4961, RFC 7362 §5): the peer's real source is learnt from its first packets and
 * then held, so that nobody else can take the stream over or listen in by sending to our port ("RTPbleed").
 */

/** Consecutive packets from one foreign host after which it is believed to be the peer behind a NAT. */
export const FOREIGN_RUN = 3;
/** The same for the signalled address while another source is locked, which must have been silent meanwhile. */
export const SIGNALLED_RUN = 3;
/** The same for the source that was locked before the signalled address changed: it may be the old one, going away. */
export const PREVIOUS_RUN = 25;

/** What is known of a packet's source when it has to be decided upon. */
export interface LatchFacts {
  /** A source is locked. */
  readonly isLocked: boolean;
  /** The packet comes from exactly the locked source. */
  readonly isLockedSource: boolean;
  /** The peer's address is known from signalling. */
  readonly isSignalled: boolean;
  /** It comes from exactly the signalled address and port. */
  readonly isSignalledSource: boolean;
  /** It comes from the signalled host, on whatever port. */
  readonly isSignalledHost: boolean;
  /** It comes from the source that was locked before the signalled address changed. */
  readonly isPreviousSource: boolean;
  /** That source was somebody else, who has left the leg. */
  readonly isFormerPeer: boolean;
  /** Packets in a row from this same source, this one included; with a lock, without one of the locked source between. */
  readonly run: number;
  /** Whether another host than the signalled one may be learnt at all. */
  readonly allowsForeign: boolean;
}

/**
 * - `lock`: believe it from now on, and take the packet;
 * - `accept`: take the packet, and go on learning;
 * - `wait`: not believed yet; the packet is dropped and counts toward the run;
 * - `reject`: an intruder's.
 */
export type LatchVerdict = 'lock' | 'accept' | 'wait' | 'reject';

/** The whole policy of latching. Pure. */
export function decideLatch(facts: LatchFacts): LatchVerdict {
  if (facts.isLocked) {
    if (facts.isLockedSource) {
      return 'accept';
    }
    // A straggler of an earlier call on this port may have been first: a switch sends all its calls from one host.
    return facts.isSignalledSource && facts.run >= SIGNALLED_RUN ? 'lock' : 'reject';
  }
  if (!facts.isSignalled) {
    return 'reject';
  }
  if (facts.isSignalledSource) {
    return 'lock';
  }
  if (facts.isPreviousSource && facts.isFormerPeer) {
    // Its last packets are for nobody, and least of all for a recording of who came instead.
    return 'reject';
  }
  if (facts.isPreviousSource) {
    // It was the peer a moment ago: audible until the new source shows up, locked again if none does.
    return facts.run >= PREVIOUS_RUN ? 'lock' : 'accept';
  }
  if (facts.isSignalledHost) {
    return 'lock';
  }
  if (!facts.allowsForeign) {
    return 'reject';
  }
  return facts.run >= FOREIGN_RUN ? 'lock' : 'wait';
}
