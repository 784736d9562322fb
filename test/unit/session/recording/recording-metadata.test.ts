import { type IdSource, type LegRole } from '#core';
import {
  newMetadataId,
  parseMetadata,
  type ParticipantStreamAssociation,
  type RecordingMetadata as MetadataDocument,
} from '#metadata';

import {
  newSharedMetadataIds,
  type SharedMetadataIds,
} from '../../../../src/session/parties/party-description';
import { RecordingMetadata } from '../../../../src/session/recording/recording-metadata';

const T0 = Date.UTC(2026, 0, 2, 3, 4, 5);
const PARTIES = {
  caller: { aor: 'sip:alice@example.com', displayName: 'Alice' },
  callee: { aor: 'tel:+15550100', displayName: null },
};

interface Bench {
  readonly ids: IdSource;
  readonly shared: SharedMetadataIds;
  readonly metadata: RecordingMetadata;
}

function bench(
  options: { recordedRole?: LegRole; sipSessionId?: string; begin?: boolean } = {},
): Bench {
  let lastId = 0;
  const ids = {
    uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}`,
  };
  const shared = newSharedMetadataIds(ids);
  const metadata = new RecordingMetadata({
    shared,
    recordedRole: options.recordedRole ?? 'caller',
    parties: PARTIES,
    sipSessionId: options.sipSessionId ?? null,
    ids,
  });
  if (options.begin ?? true) {
    metadata.begin(T0);
  }
  return { ids, shared, metadata };
}

function read(xml: string | null): MetadataDocument {
  const { document, deviations } = parseMetadata(xml ?? '');
  expect(deviations).toEqual([]);
  if (document.kind !== 'recording') {
    throw new Error('no recording metadata');
  }
  return document;
}

/** Per participant's address, the labels that it sends and receives now. */
function streamsOf(document: MetadataDocument): Record<string, { send: string; recv: string }> {
  const labels = new Map(document.streams.map(({ streamId, label }) => [streamId, label]));
  const text = (ids: ParticipantStreamAssociation['send']): string =>
    ids.map(id => labels.get(id) ?? '?').join(' ');
  return Object.fromEntries(
    document.participantStreamAssociations.map(({ participantId, send, recv }) => {
      const who = document.participants.find(each => each.participantId === participantId);
      return [who?.nameIds[0]?.aor ?? '?', { send: text(send), recv: text(recv) }];
    }),
  );
}

describe('the metadata of a recording', () => {
  test.each([
    ['caller', '1', '2'],
    ['callee', '2', '1'],
  ] as const)('give the recorded %s label 1 and the other one label 2', (role, caller, callee) => {
    const { metadata, shared } = bench({ recordedRole: role });
    const document = read(metadata.complete());
    expect(document.dataMode).toBe('complete');
    expect(document.streams.map(({ label }) => label)).toEqual(['1', '2']);
    expect(streamsOf(document)).toEqual({
      'sip:alice@example.com': { send: caller, recv: callee },
      'tel:+15550100': { send: callee, recv: caller },
    });
    expect(document.sessions).toMatchObject([{ sessionId: shared.sessionId, startTimeMs: T0 }]);
    expect(new Set(document.participants.map(each => each.participantId))).toEqual(
      new Set([shared.participantIds.caller, shared.participantIds.callee]),
    );
    expect(document.sessionRecordingAssociations).toMatchObject([{ associateTimeMs: T0 }]);
  });

  test('name the parties', () => {
    const names = read(bench().metadata.complete()).participants.map(each => each.nameIds[0]);
    expect(names).toMatchObject([
      { aor: 'sip:alice@example.com', name: 'Alice' },
      { aor: 'tel:+15550100', name: null },
    ]);
  });

  test('carry the Session-ID of the call when it has one', () => {
    const id = 'ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2';
    expect(
      read(bench({ sipSessionId: id }).metadata.complete()).sessions[0]?.sipSessionIds,
    ).toEqual([id]);
    expect(read(bench().metadata.complete()).sessions[0]?.sipSessionIds).toEqual([]);
  });

  test('of two recordings of one call share session and participants, but no stream', () => {
    const { ids, shared, metadata } = bench();
    const other = new RecordingMetadata({
      shared,
      recordedRole: 'callee',
      parties: PARTIES,
      sipSessionId: null,
      ids,
    });
    other.begin(T0);
    const a = read(metadata.complete());
    const b = read(other.complete());
    expect(b.sessions[0]?.sessionId).toBe(a.sessions[0]?.sessionId);
    expect(new Set(b.participants.map(each => each.participantId))).toEqual(
      new Set(a.participants.map(each => each.participantId)),
    );
    const streamIds = [...a.streams, ...b.streams].map(({ streamId }) => streamId);
    expect(new Set(streamIds).size).toBe(4);
  });

  test('do not change what was shared when a party of one recording is replaced', () => {
    const { ids, shared, metadata } = bench();
    const before = { ...shared.participantIds };
    metadata.replaceParty(
      'callee',
      newMetadataId(ids),
      { aor: 'sip:carol@example.com', displayName: null },
      { sends: true, receives: true },
      T0 + 1,
    );
    expect(shared.participantIds).toEqual(before);
  });

  test('have no partial document as long as nothing has changed', () => {
    const { metadata } = bench();
    metadata.complete();
    expect(metadata.partial()).toBeNull();
    metadata.setActivity('callee', { sends: true, receives: true }, T0 + 1000);
    expect(metadata.partial()).toBeNull();
  });

  test('tell a hold and its end in partial documents about the held party only', () => {
    const { metadata, shared } = bench();
    metadata.complete();
    metadata.setActivity('callee', { sends: false, receives: true }, T0 + 1000);
    const hold = read(metadata.partial());
    expect(hold.dataMode).toBe('partial');
    expect(hold.participantStreamAssociations).toMatchObject([
      { participantId: shared.participantIds.callee, send: [] },
    ]);
    expect(hold.participantStreamAssociations[0]?.recv).toHaveLength(1);
    expect(metadata.partial()).toBeNull();

    metadata.setActivity('callee', { sends: true, receives: true }, T0 + 2000);
    const back = read(metadata.partial());
    expect(back.participantStreamAssociations).toHaveLength(1);
    expect(back.participantStreamAssociations[0]?.send).toHaveLength(1);
  });

  test('tell who hears nothing', () => {
    const { metadata } = bench();
    metadata.setActivity('caller', { sends: true, receives: false }, T0 + 1000);
    expect(streamsOf(read(metadata.complete()))['sip:alice@example.com']).toEqual({
      send: '1',
      recv: '',
    });
  });

  test('put a new party on the stream of the one that it replaces', () => {
    const { metadata, shared, ids } = bench();
    const before = read(metadata.complete());
    const carolId = newMetadataId(ids);
    metadata.replaceParty(
      'callee',
      carolId,
      { aor: 'sip:carol@example.com', displayName: 'Carol' },
      { sends: true, receives: true },
      T0 + 5000,
    );
    const partial = read(metadata.partial());
    expect(partial.participants).toMatchObject([
      { participantId: carolId, nameIds: [{ aor: 'sip:carol@example.com', name: 'Carol' }] },
    ]);
    expect(partial.streams).toEqual([]);

    const document = read(metadata.complete());
    expect(document.streams).toEqual(before.streams);
    expect(streamsOf(document)).toMatchObject({
      'sip:alice@example.com': { send: '1', recv: '2' },
      'sip:carol@example.com': { send: '2', recv: '1' },
    });
    expect(document.participantSessionAssociations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          participantId: shared.participantIds.callee,
          disassociateTimeMs: T0 + 5000,
        }),
        expect.objectContaining({
          participantId: carolId,
          associateTimeMs: T0 + 5000,
          disassociateTimeMs: null,
        }),
      ]),
    );
    const bobs = document.participantStreamAssociations.filter(
      each => each.participantId === shared.participantIds.callee,
    );
    expect(bobs.filter(each => each.disassociateTimeMs === null && each.send.length > 0)).toEqual(
      [],
    );
  });

  test('follow the activity of the new party, not of the one before', () => {
    const { metadata, ids } = bench();
    const carol = { aor: 'sip:carol@example.com', displayName: null };
    const held = { sends: false, receives: false };
    metadata.replaceParty('callee', newMetadataId(ids), carol, held, T0 + 1);
    expect(streamsOf(read(metadata.complete()))['sip:carol@example.com']).toEqual({
      send: '',
      recv: '',
    });
    metadata.setActivity('callee', { sends: true, receives: true }, T0 + 2);
    expect(streamsOf(read(metadata.complete()))['sip:carol@example.com']).toEqual({
      send: '2',
      recv: '1',
    });
  });

  test('say at the end that everybody has left, and why', () => {
    const { metadata } = bench();
    metadata.complete();
    metadata.end(T0 + 60_000, { cause: 16, text: 'Normal' });
    const document = read(metadata.partial());
    expect(document.dataMode).toBe('partial');
    expect(document.sessions).toMatchObject([
      { stopTimeMs: T0 + 60_000, reasons: [{ cause: 16, text: 'Normal' }] },
    ]);
    expect(document.sessionRecordingAssociations).toMatchObject([
      { disassociateTimeMs: T0 + 60_000 },
    ]);
    const leaving = document.participantSessionAssociations.map(each => each.disassociateTimeMs);
    expect(leaving).toEqual([T0 + 60_000, T0 + 60_000]);
    metadata.end(T0 + 61_000, null);
    expect(metadata.partial()).toBeNull();
  });

  test('give no reason where there is none', () => {
    const { metadata } = bench();
    metadata.end(T0 + 1, null);
    expect(read(metadata.complete()).sessions[0]?.reasons).toEqual([]);
  });

  test('count the characters that XML cannot carry, over all documents', () => {
    const { metadata, ids } = bench();
    metadata.complete();
    expect(metadata.replacedCharacters).toBe(0);
    metadata.replaceParty(
      'callee',
      newMetadataId(ids),
      { aor: 'sip:eve@example.com', displayName: 'E\u0001v\u0002e' },
      { sends: true, receives: true },
      T0 + 1,
    );
    metadata.partial();
    expect(metadata.replacedCharacters).toBe(2);
    metadata.complete();
    expect(metadata.replacedCharacters).toBe(4);
  });
});
