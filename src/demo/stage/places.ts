import { type SoftphoneOptions } from '../../lab';
import { ALICE, BOB, type DemoParty } from '../bench';
import { type StagePki } from './stage-pki';

export { ALICE, BOB, type DemoParty };

export const CAROL: DemoParty = { name: 'carol', displayName: 'Carol', toneHz: 820 };
export const DAVE: DemoParty = { name: 'dave', displayName: 'Dave', toneHz: 1080 };
export const MAILBOX: DemoParty = { name: 'mailbox', displayName: 'Mailbox', toneHz: 1250 };

/** A phone of the stage. Its party's tone is what it says. */
export interface PhoneSpec {
  readonly party: DemoParty;
  /** What differs from a plain phone. */
  readonly options?: Partial<SoftphoneOptions>;
  /** Whether the way to it leads over the public network. Default: internal. */
  readonly kind?: 'internal' | 'pstn';
}

export interface StageCredentials {
  readonly apiToken: string;
  readonly webhookSecret: string;
  readonly webhookUrl: string;
}

/** Where things are on this stage, for configurations. */
export interface Places {
  readonly outDir: string;
  /** API token and webhook secret of this run, and where webhooks go. */
  readonly credentials: StageCredentials;
  readonly pki: StagePki;
  /** URIs of the recorders, in order. */
  readonly srsUris: readonly string[];
  /** Next hop to a phone by its party's name. */
  readonly nextHops: Readonly<Record<string, string>>;
}

export const HOST = '127.0.0.1';

export function addressOf(party: DemoParty): string {
  return `sip:${party.name}@${HOST}`;
}
