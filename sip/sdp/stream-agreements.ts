import { type PayloadFormat } from '#core';
import { agreedFormats, type Flow, payloadFormats } from './offer-answer';
import { statedFlow } from './remote-stream';
import { type MediaDescription, type SessionDescription } from './session-description';

/** What was agreed with one peer, for {@link toRemoteStream}. */
export interface StreamAgreement {
  /** What the peer sends, with the numbers that it was told. */
  readonly formats: readonly PayloadFormat[];
  readonly rtcpMux: boolean;
  /** What the other side has said of itself. */
  readonly ours: Flow;
}

export const BOTH_WAYS: Flow = { sends: true, receives: true };

/** One media stream as one side describes it, and whether RTCP is multiplexed with that side (RFC 5761). */
export interface DescribedStream {
  readonly description: SessionDescription;
  readonly media: MediaDescription;
  readonly rtcpMux: boolean;
}

/** Each peer sends with the numbers that it was told, which are those of the other's description. Pure. */
export function streamAgreements(
  offer: DescribedStream,
  answer: DescribedStream,
): { readonly withOfferer: StreamAgreement; readonly withAnswerer: StreamAgreement } {
  const offered = payloadFormats(offer.media);
  const answered = payloadFormats(answer.media);
  return {
    withOfferer: {
      formats: agreedOr(agreedFormats(offered, answered, 'answer'), answered),
      rtcpMux: offer.rtcpMux,
      ours: statedFlow(answer.description, answer.media),
    },
    withAnswerer: {
      formats: agreedOr(agreedFormats(offered, answered, 'offer'), answered),
      rtcpMux: answer.rtcpMux,
      ours: statedFlow(offer.description, offer.media),
    },
  };
}

/** What was agreed with a newcomer, who has answered in both directions what nobody but it was offered. Pure. */
export function agreementWithNewcomer(
  offered: MediaDescription,
  answered: MediaDescription,
): StreamAgreement {
  const formats = payloadFormats(answered);
  return {
    formats: agreedOr(agreedFormats(payloadFormats(offered), formats, 'offer'), formats),
    rtcpMux: false,
    ours: BOTH_WAYS,
  };
}

/** A peer that answers with formats never offered is wrong, but its packets come all the same. */
function agreedOr<T>(agreed: readonly T[], answered: readonly T[]): readonly T[] {
  return agreed.length > 0 ? agreed : answered;
}
