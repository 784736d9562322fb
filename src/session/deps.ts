import { type Clock, type IdSource, type Logger } from '#core';
import { type MediaPlane } from '#media';
import { type SrsClient } from '#sip';

import { type Ledger } from '../ledger';
import { type Metrics } from '../observability';
import { type SessionSettings } from './settings';
import { type SrsHealth } from './srs/srs-health';

/** What every call shares. */
export interface CallDeps {
  readonly media: MediaPlane;
  readonly srsClient: SrsClient;
  readonly srsHealth: SrsHealth;
  /** The newest ones; a call keeps those that it began with. */
  readonly settings: SessionSettings;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}
