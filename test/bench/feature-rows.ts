import { type Variant } from './peers/peer';
import { G722_PAYLOAD_TYPE } from './traffic/plan';

/** One row of the features benchmark. */
export interface Feature {
  /** As the report names it. */
  readonly name: string;
  readonly variant: Variant;
  readonly copies: number;
  readonly isPayloadIntact: boolean;
  readonly isEncrypted?: boolean;
  readonly senderReportsPerSecond?: number;
  readonly payloadType?: number;
}

/** By the name that the command line has for it. Each stands on relay and fork, except for the first two. */
export const FEATURES = {
  relay: { name: 'relay', variant: 'relay', copies: 0, isPayloadIntact: true },
  ring: { name: '+ ring, recorder silent', variant: 'ring', copies: 0, isPayloadIntact: true },
  fork: { name: '+ fork', variant: 'fork', copies: 1, isPayloadIntact: true },
  'second-recorder': {
    name: '+ second recorder',
    variant: 'second-recorder',
    copies: 2,
    isPayloadIntact: true,
  },
  tone: { name: '+ tone mixed', variant: 'tone', copies: 1, isPayloadIntact: false },
  announcement: {
    name: '+ announcement',
    variant: 'announcement',
    copies: 1,
    isPayloadIntact: false,
  },
  'srtp-recorder': {
    name: '+ SRTP to recorder',
    variant: 'srtp-recorder',
    copies: 1,
    isPayloadIntact: true,
  },
  'srtp-legs': {
    name: '+ SRTP on legs',
    variant: 'srtp-legs',
    copies: 1,
    isPayloadIntact: false,
    isEncrypted: true,
  },
  transcode: {
    name: '+ transcode, G.722 to G.711',
    variant: 'transcode',
    copies: 1,
    isPayloadIntact: true,
    payloadType: G722_PAYLOAD_TYPE,
  },
  rtcp: {
    name: '+ RTCP, 1/s of each leg',
    variant: 'fork',
    copies: 1,
    isPayloadIntact: true,
    senderReportsPerSecond: 1,
  },
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof FEATURES;

export const FEATURE_NAMES = Object.keys(FEATURES) as readonly FeatureName[];

/** What all ratios refer to: a plain recorded call. */
export const REFERENCE: FeatureName = 'fork';

/** Those that are measured when some are asked for: always with the one that all are compared with. */
export function withReference(names: readonly string[]): FeatureName[] {
  return FEATURE_NAMES.filter(name => name === REFERENCE || names.includes(name));
}
