import { type CountedDeviation } from '../lab';
import { type DemoParty } from './bench';

/** What one party of the call said and heard. */
export interface PartyFacts {
  readonly party: DemoParty;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  /** From the answer of the call on: mono PCM16, 8 kHz. */
  readonly heard: Int16Array;
}

/** One stream of a recording as the SRS got it. */
export interface ChannelFacts {
  /** 1 or 2, the channel of the WAV. */
  readonly channel: number;
  readonly label: string | null;
  /** Address-of-record of who sends the stream, by the metadata. */
  readonly aor: string | null;
  readonly name: string | null;
  /** Who should be on this channel. */
  readonly expected: DemoParty;
  readonly packets: number;
  readonly lost: number;
  /** When they were taken from the party, relative to the answer of the call, ms. */
  readonly firstPacketMs: number | null;
  readonly lastPacketMs: number | null;
  readonly samples: Int16Array;
}

export interface RecordingDemoFacts {
  readonly file: string;
  readonly verdict: string;
  readonly verdictReasons: readonly string[];
  /** From the answer of the call to the answer of the SRS, ms. */
  readonly srsAnswerMs: number | null;
  readonly channels: readonly ChannelFacts[];
  /** Packets that the gateway captured but did not send. */
  readonly packetsMissing: number;
  readonly documents: number;
  readonly sipMessages: number;
  readonly deviations: readonly CountedDeviation[];
}

/** Everything that a scenario left behind, measured; what checks and report are made from. */
export interface DemoFacts {
  readonly backend: string;
  readonly transport: string;
  readonly answered: boolean;
  /** From the caller's INVITE to its 180 and 200, ms. */
  readonly ringingAfterMs: number | null;
  readonly answeredAfterMs: number | null;
  readonly talkMs: number;
  readonly endedBy: string;
  readonly caller: PartyFacts;
  readonly callee: PartyFacts;
  readonly recordings: readonly RecordingDemoFacts[];
  /** What was still open in the gateway after the call. */
  readonly leftOpen: Readonly<Record<string, number>>;
}

/** One thing that must be so. */
export interface DemoCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was measured. */
  readonly detail: string;
}
