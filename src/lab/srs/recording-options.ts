import { type Clock, type Logger } from '#core';
import { type IncomingRequest, type SipEndpoint } from '../sip/sip-endpoint';
import { type SrsBehaviour } from './behaviour';
import { type EvidenceStore } from './evidence-store';
import { type ObservedPacket } from './recording-stream';

/** What happens to a recording session, for logs and tests. */
export type RecordingEvent =
  | { readonly kind: 'offered' | 'established' | 'updated' | 'first-packet' }
  | { readonly kind: 'document'; readonly number: number }
  | { readonly kind: 'ended'; readonly by: string };

export interface RecordingOptions {
  readonly number: number;
  readonly incoming: IncomingRequest;
  readonly endpoint: SipEndpoint;
  /** IP literal for media. */
  readonly host: string;
  readonly store: EvidenceStore;
  readonly behaviour: SrsBehaviour;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After this long without SIP and RTP the SRC is asked whether it is still there. */
  readonly idleTimeoutMs: number;
  readonly maxFrames: number;
  readonly rtcpIntervalMs?: number;
  /** A stream that lasts longer without a sender report is a deviation. Default 8 s. */
  readonly rtcpDueMs?: number;
  /** Told of every packet that was understood; for tools that look at each one. */
  readonly onRtp?: (packet: ObservedPacket) => void;
  /** Acts on the TCP connection of the session; no effect on UDP. */
  readonly connection: { stopReading(): void; break(): void; vanish(): void };
  readonly onEvent: (event: RecordingEvent) => void;
}
