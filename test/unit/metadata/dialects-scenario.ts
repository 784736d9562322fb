import {
  type CallDetails,
  metadataIdToUuid,
  type MetadataId,
  type RecordingMetadata,
} from '#metadata';
import { basicCall, type BasicCall, START_MS } from './scenario';

/** Webex Calling's own style of identifiers, invented. */
export const PROPERTIES = {
  mode: 'always-with-pause-resume',
  serviceProvider: 'WBV000001',
  externalGroup: 'WBV000001L7',
  externalIdentifier: 'a1b2c3d4e5@12345678.int10.bcld.example.com',
} as const;

const CALL: CallDetails = {
  trackingId: '00000000-0000-4000-8000-000000000001',
  callId: 'callhalf-1234:0',
  direction: 'outbound',
  callingPartyNumber: '+14155550100',
  calledPartyNumber: '+4930123456',
  dialedDigits: '004930123456',
  redirections: null,
  redirectedCall: null,
  acd: null,
};

const INBOUND: CallDetails = {
  ...CALL,
  callId: 'callhalf-1234:1',
  direction: 'inbound',
  callingPartyNumber: '+4930123456',
  calledPartyNumber: '+14155550100',
  dialedDigits: null,
};

/** Latin with accents, markup, Cyrillic, CJK, Arabic, an emoji, controls and a lone surrogate. */
export const NAMES = [
  'Zo\u00EB M\u00FCller-\u0141uk\u00E1cs',
  'Al & Co <x>',
  '\u0418\u0432\u0430\u043D \u041F\u0435\u0442\u0440\u043E\u0432',
  '\u5C71\u7530\u592A\u90CE',
  '\u0645\u0631\u064A\u0645 \u0639\u0644\u064A',
  'Eve \u{1F600}',
  'a\u0000b\u0007c\uD800d',
];

interface Recorded extends BasicCall {
  readonly call: CallDetails;
}

function recorded(call: CallDetails, names: { alice?: string; bob?: string } = {}): Recorded {
  const basic = basicCall(names);
  basic.tracker.setRecordingProperties({ ...PROPERTIES, retention: 'kept' });
  basic.tracker.setCallDetails(call);
  basic.tracker.recordingEvent({ kind: 'start', atMs: START_MS, by: 'policy' });
  return { ...basic, call };
}

/** More voices on label 2. */
function join({ tracker, bobStream, aliceStream }: BasicCall, name: string, n: number): MetadataId {
  const atMs = START_MS + n * 1000;
  const id = tracker.participantJoined(atMs, { aor: `+1415555020${n}@example.com`, name });
  tracker.setSending(atMs, id, [bobStream]);
  tracker.setReceiving(id, [aliceStream]);
  return id;
}

/** Every scenario's documents in their order; named like the fixtures. */
export const SCENARIOS: Readonly<Record<string, () => readonly RecordingMetadata[]>> = {
  outbound: () => [recorded(CALL).tracker.complete()],
  inbound: () => [recorded(INBOUND, { bob: 'Bob' }).tracker.complete()],
  anonymous: () => {
    const { tracker, bob } = recorded({ ...INBOUND, callingPartyNumber: null });
    tracker.participantRenamed(bob, { aor: 'sip:anonymous@anonymous.invalid', name: 'Anonymous' });
    return [tracker.complete()];
  },
  redirected: () => {
    const redirections = {
      lastRedirectNumber: '+14155550111',
      originalCalledNumber: '+14155550112',
      count: 2,
    };
    const acd = {
      userId: 'sales@example.com',
      name: NAMES[0] ?? '',
      number: '4155550199',
      countryCode: '1',
    };
    return [recorded({ ...INBOUND, redirections, acd }).tracker.complete()];
  },
  transfer: () => {
    const { tracker, call, bob, alice, aliceStream, bobStream } = recorded(CALL);
    const before = tracker.complete();
    const atMs = START_MS + 30_000;
    const newIds = tracker.renewIds();
    const newId = (id: MetadataId): MetadataId => newIds.get(id) ?? id;
    const trackingId = metadataIdToUuid(tracker.sessionId);
    const numbers = { fromPartyNumber: '+4930123456', toPartyNumber: '+493098765' };
    const redirectedCall = { newTrackingId: trackingId, ...numbers };
    tracker.setCallDetails({ ...call, trackingId, redirectedCall });
    tracker.setSending(atMs, newId(bob), []);
    tracker.setReceiving(newId(bob), []);
    tracker.participantLeft(atMs, newId(bob));
    const carol = tracker.participantJoined(atMs, { aor: 'tel:+493098765', name: 'Carol' });
    tracker.setSending(atMs, carol, [newId(bobStream)]);
    tracker.setReceiving(carol, [newId(aliceStream)]);
    tracker.setReceiving(newId(alice), [newId(bobStream)]);
    return [before, tracker.complete()];
  },
  conference: () => {
    const call = recorded(CALL);
    const documents = [call.tracker.complete()];
    const carol = join(call, 'Carol', 1);
    join(call, 'Dave', 2);
    documents.push(call.tracker.complete());
    call.tracker.participantLeft(START_MS + 9000, carol);
    documents.push(call.tracker.complete());
    return documents;
  },
  names: () => {
    const [alice = '', bob = '', ...others] = NAMES;
    const call = recorded(CALL, { alice, bob });
    others.forEach((name, index) => join(call, name, index + 1));
    return [call.tracker.complete()];
  },
  events: () => {
    const { tracker, alice, bob } = recorded(CALL);
    const both = [alice, bob];
    const documents: RecordingMetadata[] = [];
    const tell = (): void => {
      const partial = tracker.partial();
      if (partial !== null) {
        documents.push(partial);
      }
    };
    const at = (seconds: number): number => START_MS + seconds * 1000;
    const played = { toParticipantIds: both, language: 'pt-BR' };
    tell();
    tracker.noticePlayed({ kind: 'start', startedAtMs: at(0.1), endedAtMs: at(3), ...played });
    tell();
    tracker.recordingEvent({ kind: 'pause', atMs: at(10), by: 'user' });
    tell();
    tracker.noticePlayed({
      kind: 'beep',
      language: null,
      startedAtMs: at(10.05),
      endedAtMs: at(10.25),
      toParticipantIds: [alice],
    });
    tracker.recordingEvent({ kind: 'resume', atMs: at(20), by: 'api' });
    tell();
    tracker.recordingStopped(at(30));
    tracker.recordingEvent({ kind: 'stop', atMs: at(30), by: 'user' });
    tracker.noticePlayed({ kind: 'stop', startedAtMs: at(30.1), endedAtMs: at(32), ...played });
    tell();
    return documents;
  },
  gap: () => {
    const { tracker } = recorded(CALL);
    const told = tracker.complete();
    const gap = { startMs: START_MS + 60_000, endMs: START_MS + 64_500 };
    tracker.recordingGap({ ...gap, reason: 'options-timeout' });
    return [told, tracker.partial() ?? told];
  },
};
