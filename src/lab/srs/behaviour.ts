/** How the reference SRS misbehaves; what is absent behaves. All times in ms. */
export interface SrsBehaviour {
  /** Refuses every INVITE with this status (300–699). */
  readonly refuseStatus?: number;
  readonly refuseReason?: string;
  /** Answers nothing at all, not even 100. */
  readonly silent?: boolean;
  /** Sends 100 at once and the final answer this much later. */
  readonly answerDelayMs?: number;
  /** Answers every stream `inactive` (RFC 7866 §7.2.1 allows it). */
  readonly inactive?: boolean;
  /** Re-INVITEs to `recvonly` this long after an inactive answer. */
  readonly activateAfterMs?: number;
  /** Label of the stream that is refused with port 0. */
  readonly refuseStream?: string;
  readonly byeAfterMs?: number;
  /** Once established, reads neither TCP nor RTP and sends no reports. */
  readonly stopReading?: boolean;
  /** Asks for a complete document (RFC 7866 §9.2). */
  readonly snapshotAfterMs?: number;
  /** Fraction 0..1 claimed as lost in receiver reports. */
  readonly reportedLoss?: number;
  /** Answers re-INVITEs with 491. */
  readonly glare?: boolean;
  /** The first re-INVITEs get these statuses (300–699), one each; those that follow are served. */
  readonly refuseReinvites?: readonly number[];
  /** Breaks the TCP connection of the session. */
  readonly closeConnectionAfterMs?: number;
  /** Resets every TCP connection and takes no new ones, like a host that died; RTP goes on. */
  readonly vanishAfterMs?: number;
}
