import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type IdSource } from '#core';
import { type MetadataId, MetadataTracker } from '#metadata';

/** 2026-11-23T10:00:00.000Z */
export const START_MS = Date.UTC(2026, 10, 23, 10, 0, 0);

/** UUIDs 00000000-0000-4000-8000-000000000001 and so on. */
export function countingIds(): IdSource {
  let count = 0;
  return {
    uuid: () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
  };
}

/** A document as it stands on the wire, without a line end. */
export function fixture(name: string): string {
  return readFileSync(join(__dirname, '../../fixtures/metadata', name), 'utf8');
}

export interface BasicCall {
  readonly tracker: MetadataTracker;
  readonly alice: MetadataId;
  readonly bob: MetadataId;
  readonly aliceStream: MetadataId;
  readonly bobStream: MetadataId;
}

/** Alice (label 1) and Bob (label 2) talk and are recorded since START_MS. */
export function basicCall(names: { alice?: string; bob?: string } = {}): BasicCall {
  const tracker = new MetadataTracker({
    ids: countingIds(),
    sipSessionId: 'ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2',
  });
  tracker.sessionStarted(START_MS);
  const alice = tracker.participantJoined(START_MS, {
    aor: 'sip:alice@example.com',
    name: names.alice ?? 'Alice',
  });
  const bob = tracker.participantJoined(START_MS, {
    aor: 'tel:+4930123456',
    name: names.bob ?? null,
  });
  const aliceStream = tracker.streamAdded({ label: '1' });
  const bobStream = tracker.streamAdded({ label: '2' });
  tracker.setSending(START_MS, alice, [aliceStream]);
  tracker.setReceiving(alice, [bobStream]);
  tracker.setSending(START_MS, bob, [bobStream]);
  tracker.setReceiving(bob, [aliceStream]);
  tracker.recordingStarted(START_MS);
  return { tracker, alice, bob, aliceStream, bobStream };
}
