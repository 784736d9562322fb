/**
 * SIPp's own response times come from the kernel's coarse clock, which moves once per tick (4 ms at 250 Hz). The lines of
 * its short message log (`-trace_shortmsg`) carry the time of day in microseconds, taken as a message is sent or read:
 *
 * ```text
 * date ⇥ time ⇥ seconds.microseconds ⇥ S or R ⇥ Call-ID ⇥ CSeq:number method ⇥ start line
 * ```
 */

/** Set-up times of the calls of a log, from the first INVITE sent to the first 200 read, ms, ascending. */
export function setUpTimesMs(log: string): number[] {
  const sentS = new Map<string, number>();
  const answeredS = new Map<string, number>();
  for (const line of log.split('\n')) {
    const [, , seconds = '', direction, callId = '', sequence, startLine = ''] = line.split('\t');
    if (sequence !== 'CSeq:1 INVITE') {
      continue;
    }
    if (direction === 'S' && startLine.startsWith('INVITE ')) {
      noteFirst(sentS, callId, seconds);
    } else if (direction === 'R' && startLine.startsWith('SIP/2.0 200 ')) {
      noteFirst(answeredS, callId, seconds);
    }
  }
  return [...sentS]
    .flatMap(([callId, sent]) => {
      const answered = answeredS.get(callId);
      return answered === undefined ? [] : [(answered - sent) * 1000];
    })
    .sort((a, b) => a - b);
}

/** Retransmissions do not count. */
function noteFirst(times: Map<string, number>, callId: string, seconds: string): void {
  if (!times.has(callId)) {
    times.set(callId, Number(seconds));
  }
}
