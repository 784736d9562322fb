import {
  newMetadataId,
  parseMetadata,
  type RecordingMetadata as MetadataDocument,
} from '#metadata';

import {
  newSharedMetadataIds,
  type SharedMetadataIds,
  type SideParticipant,
} from '../../../../src/session/parties/party-description';
import { RecordingMetadata } from '../../../../src/session/recording/recording-metadata';

const T0 = Date.UTC(2026, 0, 2, 3, 4, 5);
const ACTIVE = { sends: true, receives: true };

let lastId = 0;
const ids = {
  uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}`,
};

function someone(name: string): SideParticipant {
  return {
    participantId: newMetadataId(ids),
    aor: `sip:${name}@example.com`,
    displayName: name,
  };
}

const BOB = { aor: 'sip:bob@example.com', displayName: 'Bob' };

function bench(
  dialect: 'rfc7865' | 'broadworks',
  recordedRole: 'caller' | 'callee' = 'caller',
): {
  metadata: RecordingMetadata;
  shared: SharedMetadataIds;
  bob: SideParticipant;
} {
  const shared = newSharedMetadataIds(ids);
  const parties = {
    caller: { aor: 'sip:+15550100@example.com', displayName: 'Alice' },
    callee: BOB,
  };
  const metadata = new RecordingMetadata({
    shared,
    recordedRole,
    parties,
    sipSessionId: null,
    ids,
    dialect: { name: dialect },
  });
  metadata.begin(T0);
  metadata.setRecordingProperties({
    mode: 'always',
    serviceProvider: 'WBV1',
    externalGroup: 'WBV1L1',
    externalIdentifier: 'u1@1.example.com',
  });
  return { metadata, shared, bob: { participantId: shared.participantIds.callee, ...BOB } };
}

function read(xml: string | null): MetadataDocument {
  const { document, deviations } = parseMetadata(xml ?? '');
  expect(deviations).toEqual([]);
  if (document.kind !== 'recording') {
    throw new Error('no recording metadata');
  }
  return document;
}

/** Who sends the stream with a label, by name. */
function sendersOf(document: MetadataDocument, label: string): readonly string[] {
  const streamId = document.streams.find(each => each.label === label)?.streamId ?? '?';
  return document.participantStreamAssociations
    .filter(({ send }) => send.some(id => id === streamId))
    .map(({ participantId }) => {
      const who = document.participants.find(each => each.participantId === participantId);
      return who?.nameIds[0]?.name ?? '?';
    });
}

function allIds({ sessions, participants, streams }: MetadataDocument): readonly string[] {
  return [
    ...sessions.map(({ sessionId }) => sessionId),
    ...participants.map(({ participantId }) => participantId),
    ...streams.map(({ streamId }) => streamId),
  ];
}

describe.each(['rfc7865', 'broadworks'] as const)('participants of a side, in %s', dialect => {
  test('all send the stream of their side; label 1 stays who it was', () => {
    const { metadata, bob } = bench(dialect);
    metadata.complete();
    metadata.setParticipants('callee', [bob, someone('Carol'), someone('Dave')], T0 + 1000);
    const document = read(metadata.complete());
    expect(sendersOf(document, '1')).toEqual(['Alice']);
    expect(sendersOf(document, '2')).toEqual(['Bob', 'Carol', 'Dave']);
  });

  test('who is not named any more sends nothing; who stays keeps the id', () => {
    const { metadata, bob } = bench(dialect);
    const carol = someone('Carol');
    metadata.setParticipants('callee', [bob, carol], T0 + 1000);
    metadata.setParticipants('callee', [{ ...someone('Carol'), displayName: 'Carola' }], T0 + 2000);
    const document = read(metadata.complete());
    expect(sendersOf(document, '2')).toEqual(['Carola']);
    expect(document.participants.map(({ participantId }) => participantId)).toContain(
      carol.participantId,
    );
  });

  test('nothing new is nothing to tell', () => {
    const { metadata, bob } = bench(dialect);
    const carol = someone('Carol');
    metadata.setParticipants('callee', [bob, carol], T0 + 1000);
    metadata.complete();
    metadata.setParticipants(
      'callee',
      [bob, { ...carol, participantId: newMetadataId(ids) }],
      T0 + 2000,
    );
    expect(metadata.partial()).toBeNull();
  });

  test('all of them have gone when another party takes the place of the side', () => {
    const { metadata, bob } = bench(dialect);
    metadata.setParticipants('callee', [bob, someone('Carol')], T0 + 1000);
    const dave = someone('Dave');
    metadata.replaceParty('callee', dave.participantId, dave, ACTIVE, T0 + 2000);
    expect(sendersOf(read(metadata.complete()), '2')).toEqual(['Dave']);
  });

  test('all of them are among those who heard a notice', () => {
    const { metadata, bob } = bench(dialect);
    const carol = someone('Carol');
    metadata.setParticipants('callee', [bob, carol], T0 + 1000);
    metadata.noticePlayed({
      kind: 'start',
      language: 'en',
      startedAtMs: T0 + 1500,
      endedAtMs: T0 + 2500,
      toRoles: ['callee'],
    });
    expect(read(metadata.complete()).details?.notices[0]?.toParticipantIds).toEqual([
      bob.participantId,
      carol.participantId,
    ]);
  });
});

describe('participants who come and go, in RFC 7865', () => {
  test('are told in partial documents, with the times of their associations', () => {
    const { metadata, bob } = bench('rfc7865');
    metadata.complete();
    const carol = someone('Carol');
    metadata.setParticipants('callee', [bob, carol], T0 + 1000);
    const joined = read(metadata.partial());
    expect(joined.dataMode).toBe('partial');
    expect(joined.participants).toMatchObject([{ participantId: carol.participantId }]);
    expect(joined.participantStreamAssociations).toMatchObject([
      { participantId: carol.participantId, associateTimeMs: T0 + 1000, disassociateTimeMs: null },
    ]);
    metadata.setParticipants('callee', [carol], T0 + 2000);
    const left = read(metadata.partial());
    expect(left.participantSessionAssociations).toMatchObject([
      { participantId: bob.participantId, disassociateTimeMs: T0 + 2000 },
    ]);
    expect(left.participantStreamAssociations).toMatchObject([
      { participantId: bob.participantId, send: [], disassociateTimeMs: T0 + 2000 },
    ]);
  });
});

describe('a blind transfer of the other party', () => {
  test('is another call in the BroadWorks dialect: every id is new, and who redirected it to whom', () => {
    const { metadata, shared } = bench('broadworks');
    const before = read(metadata.complete());
    const headers = metadata.headers();
    shared.sinceTransferSessionId = newMetadataId(ids);
    const carol = { aor: 'tel:+15550177', displayName: 'Carol' };
    metadata.transferred('callee', newMetadataId(ids), carol, ACTIVE, T0 + 1000);
    const after = read(metadata.complete());
    expect(allIds(after).filter(id => allIds(before).includes(id))).toEqual([]);
    expect(after.sessions[0]?.sessionId).toBe(shared.sinceTransferSessionId);
    expect(after.streams.map(({ label }) => label)).toEqual(['1', '2']);
    expect(sendersOf(after, '1')).toEqual(['Alice']);
    expect(sendersOf(after, '2')).toEqual(['Carol']);
    expect(after.details?.call).toMatchObject({
      callId: before.details?.call?.callId,
      redirectedCall: {
        newTrackingId: after.details?.call?.trackingId,
        fromPartyNumber: 'bob',
        toPartyNumber: '+15550177',
      },
    });
    expect(after.details?.call?.trackingId).not.toBe(before.details?.call?.trackingId);
    expect(metadata.headers()).toEqual(headers);
  });

  test('and a second one names who came with the first', () => {
    const { metadata } = bench('broadworks');
    for (const number of ['+15550177', '+15550188']) {
      const party = { aor: `tel:${number}`, displayName: null };
      metadata.transferred('callee', newMetadataId(ids), party, ACTIVE, T0 + 1000);
    }
    expect(read(metadata.complete()).details?.call?.redirectedCall).toMatchObject({
      fromPartyNumber: '+15550177',
      toPartyNumber: '+15550188',
    });
  });

  test('is shared by the recording of who comes into the call with it', () => {
    const { metadata, shared } = bench('broadworks');
    shared.sinceTransferSessionId = newMetadataId(ids);
    const carol = someone('Carol');
    metadata.transferred('callee', carol.participantId, carol, ACTIVE, T0 + 1000);
    const hers = new RecordingMetadata({
      shared,
      recordedRole: 'callee',
      parties: { caller: BOB, callee: carol },
      sipSessionId: null,
      ids,
      dialect: { name: 'broadworks' },
    });
    hers.begin(T0 + 1000);
    const trackingId = read(metadata.complete()).details?.call?.trackingId;
    expect(hers.headers()['X-BroadWorks-Correlation-Info']).toBe(trackingId);
  });

  test('is a new participant on the same stream in RFC 7865', () => {
    const { metadata } = bench('rfc7865');
    const before = read(metadata.complete());
    const carol = someone('Carol');
    metadata.transferred('callee', carol.participantId, carol, ACTIVE, T0 + 1000);
    const after = read(metadata.complete());
    expect(after.streams).toEqual(before.streams);
    expect(after.sessions).toEqual(before.sessions);
    expect(sendersOf(after, '2')).toEqual(['Carol']);
  });
});
