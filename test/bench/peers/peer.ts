import { type Address } from '../traffic/plan';

/** What a relay under measure does beyond relaying; all of it in every call. */
export type Variant =
  | 'relay'
  | 'ring'
  | 'fork'
  | 'second-recorder'
  | 'tone'
  | 'announcement'
  | 'srtp-recorder'
  | 'srtp-legs'
  | 'transcode';

export interface PeerOrder {
  readonly backend: 'linux' | 'dgram';
  readonly calls: number;
  readonly variant: Variant;
  /** Where the relay binds. */
  readonly host: string;
  readonly portMin: number;
}

/** A relay that is under measure, in a process of its own, with its calls open. */
export interface Peer {
  /** null: there is none, the phones send to one another. */
  readonly pid: number | null;
  /** Where each leg has to send to. */
  readonly legs: readonly Address[];
  /** Resident memory before the first call was opened, KiB. */
  readonly emptyRssKiB: number;
  /** What the product gives to the rings of the recordings, KiB per call; 0 where there are none. */
  readonly ringKiBPerCall: number;
  close(): Promise<void>;
}

/** What the processes of the benchmarks say first, and when their calls are open. */
export type PeerMessage =
  | { readonly kind: 'empty' }
  | { readonly kind: 'open'; readonly legs: readonly Address[]; readonly ringKiBPerCall: number };
