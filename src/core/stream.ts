import { type SrtpSuite } from './vocabulary';

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

/** The formats of static payload type that every telephone has (RFC 3551 §6). */
export const PCMU: PayloadFormat = {
  payloadType: 0,
  encoding: 'PCMU',
  clockRateHz: 8000,
  channels: 1,
};
export const PCMA: PayloadFormat = {
  payloadType: 8,
  encoding: 'PCMA',
  clockRateHz: 8000,
  channels: 1,
};

/** Protection of one stream by SRTP: one suite, a master key for each direction (RFC 3711 §3.2, RFC 4568 §5.1). */
export interface StreamCrypto {
  readonly suite: SrtpSuite;
  /** What we protect with. */
  readonly sendKey: SrtpKey;
  /** What the peer protects with. */
  readonly receiveKey: SrtpKey;
}

/** A master key (RFC 4568 §6.1). Never to be logged or stored. */
export interface SrtpKey {
  /** Master key and master salt in a row, base64: 30 bytes for AES_CM_128, 28 and 44 for the AEAD suites. */
  readonly keySalt: string;
  /** The MKI field of each packet in hexadecimal; empty: the packets have none. */
  readonly mki: string;
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
  /** SRTP; absent: plain RTP. */
  readonly crypto?: StreamCrypto;
  /** Somebody else is at this leg now: what the peer before still sends is not for it any more. */
  readonly isNewPeer?: true;
}

/** What we tell the peer to send to: advertised addresses, not bound ones. */
export interface LocalEndpoint {
  readonly rtp: TransportAddress;
  readonly rtcp: TransportAddress;
}
