/** What signalling tells media: plain data, no SDP. */

/** An IP literal and a UDP port. IPv6 without brackets. */
export interface TransportAddress {
  readonly host: string;
  readonly port: number;
}

/** One RTP payload format of a stream (an `a=rtpmap`, or a static payload type of RFC 3551). */
export interface PayloadFormat {
  /** 0–127. */
  readonly payloadType: number;
  /** Encoding name in upper case, e.g. `PCMU`, `TELEPHONE-EVENT`. */
  readonly encoding: string;
  /** RTP clock rate in Hz (8000 for G.722, RFC 3551 §4.5.2). */
  readonly clockRateHz: number;
  readonly channels: number;
  /** Value of `a=fmtp`, when there is one. */
  readonly fmtp?: string;
}

/** Where the peer of a stream wants its packets, and what it sends. */
export interface RemoteStream {
  /** null: the peer gave no address to send to (`c=0.0.0.0`). */
  readonly rtp: TransportAddress | null;
  /** null: the address of RTP with port + 1 (RFC 3605 absent). Ignored with `rtcpMux`. */
  readonly rtcp: TransportAddress | null;
  /** RFC 5761, agreed by both sides. */
  readonly rtcpMux: boolean;
  /** Whether the peer may send to us. */
  readonly sends: boolean;
  /** Whether we may send to the peer. */
  readonly receives: boolean;
  /** Agreed formats, most preferred first. Empty: not known yet. */
  readonly formats: readonly PayloadFormat[];
  /** Packet time in milliseconds, when stated. */
  readonly ptimeMs?: number;
}

/** What we tell the peer to send to: advertised addresses, not bound ones. */
export interface LocalEndpoint {
  readonly rtp: TransportAddress;
  readonly rtcp: TransportAddress;
}
