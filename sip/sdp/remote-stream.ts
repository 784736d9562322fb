import { isIP } from 'node:net';
import { type PayloadFormat, type RemoteStream, type TransportAddress } from '#core';
import { type Flow, toFlow } from './offer-answer';
import {
  connectionHost,
  directionOf,
  mediaAttributes,
  type MediaDescription,
  type SessionDescription,
} from './session-description';

/** What the exchange as a whole says about a stream, beyond the peer's own description. */
export interface StreamAgreement {
  /** Formats that both sides named; empty while only the offer is known. */
  readonly formats: readonly PayloadFormat[];
  /** Both sides stated `a=rtcp-mux` (RFC 5761 §5.1.1). */
  readonly rtcpMux: boolean;
  /** What our own description lets the peer do: may we receive, do we send. */
  readonly ours: Flow;
}

/** The addresses that mean "send nothing here" (RFC 3264 §8.4; RFC 6157 §5.2.1 for IPv6). */
const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/**
 * The flow that a peer states for one of its m-lines, whichever way it states it: direction attribute at
 * either level, the old `c=0.0.0.0` hold (RFC 3264 §8.4), or port 0.
 */
export function statedFlow(description: SessionDescription, media: MediaDescription): Flow {
  if (media.port === 0) {
    return { sends: false, receives: false };
  }
  const flow = toFlow(directionOf(description, media));
  const host = connectionHost(description, media);
  return host !== null && UNSPECIFIED.has(host) ? { ...flow, receives: false } : flow;
}

/** A peer's m-line as plain data for the media plane. */
export function toRemoteStream(
  description: SessionDescription,
  media: MediaDescription,
  agreement: StreamAgreement,
): RemoteStream {
  const attributes = mediaAttributes(media);
  const flow = statedFlow(description, media);
  const host = connectionHost(description, media);
  const rtp = toAddress(host, media.port);
  return {
    rtp,
    rtcp:
      rtp === null || attributes.rtcp === null
        ? null
        : toAddress(attributes.rtcp.host ?? host, attributes.rtcp.port),
    rtcpMux: attributes.rtcpMux && agreement.rtcpMux,
    sends: flow.sends && agreement.ours.receives,
    receives: flow.receives && agreement.ours.sends && rtp !== null,
    // Kept as long as the call: a copy has no room to grow, which the list that was built has.
    formats: [...agreement.formats],
    ...(attributes.ptimeMs === null ? {} : { ptimeMs: attributes.ptimeMs }),
  };
}

/** Only IP literals: host names in c= lines are not resolved (RFC 8866 §5.7 discourages them). */
function toAddress(host: string | null, port: number): TransportAddress | null {
  return host === null || port === 0 || isIP(host) === 0 || UNSPECIFIED.has(host)
    ? null
    : { host, port };
}
