/** One prompt to be rendered. */
export interface PromptOrder {
  /** `language/kind`. */
  readonly promptId: string;
  readonly what:
    | { readonly kind: 'file'; readonly path: string }
    | {
        readonly kind: 'speech';
        readonly engine: string;
        readonly voice: string;
        readonly text: string;
      };
}

/** What the rendering thread is started with. */
export interface RenderJob {
  readonly freeswitch: {
    readonly host: string;
    readonly port: number;
    readonly secret: string;
    /** Sofia profile that takes our INVITE. */
    readonly profile: string;
  };
  /** Where we listen: RTP, and FreeSWITCH's outbound event socket. */
  readonly localHost: string;
  /** What FreeSWITCH is told of it. */
  readonly advertisedHost: string;
  /** The SIP engine of this job. */
  readonly engine: { readonly host: string; readonly port: number; readonly secret: string };
  /** For one prompt, from the INVITE to its last word, ms. */
  readonly promptTimeoutMs: number;
  readonly orders: readonly PromptOrder[];
}

/** Thread → main, one per prompt in any case, unless the thread dies. */
export type RenderedPrompt =
  | {
      readonly promptId: string;
      readonly samples: Int16Array;
      readonly sampleRateHz: number;
    }
  | { readonly promptId: string; readonly error: string };
