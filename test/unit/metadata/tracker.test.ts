import { type MetadataId, metadataIdFromUuid, MetadataTracker } from '#metadata';
import { basicCall, countingIds, START_MS } from './scenario';

const UNKNOWN = metadataIdFromUuid('ffffffff-0000-4000-8000-000000000000');
const LATER_MS = START_MS + 5000;

function code(expected: string): Error {
  return expect.objectContaining({ code: `REC_ERR_METADATA_${expected}` }) as Error;
}

describe('MetadataTracker', () => {
  test('a partial update before any complete document is the complete document', () => {
    const { tracker } = basicCall();
    expect(tracker.partial()?.dataMode).toBe('complete');
    expect(tracker.partial()).toBeNull();
  });

  test('nothing changed means no partial update, also after a complete one on request', () => {
    const { tracker, alice } = basicCall();
    tracker.complete();
    tracker.participantRenamed(alice, { aor: 'sip:alice@example.com', name: 'Alice L.' });
    tracker.complete();
    expect(tracker.partial()).toBeNull();
  });

  test('a partial update holds the changed participant whole and nothing else', () => {
    const { tracker, alice } = basicCall();
    tracker.complete();
    tracker.participantRenamed(alice, { aor: 'sip:a.l@example.com', name: null });
    expect(tracker.partial()).toEqual({
      kind: 'recording',
      dataMode: 'partial',
      groups: [],
      sessions: [],
      participants: [
        {
          participantId: alice,
          nameIds: [{ aor: 'sip:a.l@example.com', name: null, language: null }],
          extensions: [],
        },
      ],
      streams: [],
      sessionRecordingAssociations: [],
      participantSessionAssociations: [],
      participantStreamAssociations: [],
      extensions: [],
    });
  });

  test('two recordings of one call share session and participants and have their own streams', () => {
    const first = basicCall();
    const second = new MetadataTracker({ ids: countingIds(), sessionId: first.tracker.sessionId });
    const streamId = metadataIdFromUuid('aaaaaaaa-0000-4000-8000-000000000001');
    second.participantJoined(START_MS, {
      participantId: first.alice,
      aor: 'sip:alice@example.com',
      name: 'Alice',
    });
    second.streamAdded({ streamId, label: '1' });
    const document = second.complete();
    expect(document.sessions[0]?.sessionId).toBe(first.tracker.sessionId);
    expect(document.participants[0]?.participantId).toBe(first.alice);
    expect(document.streams.map(stream => stream.streamId)).toEqual([streamId]);
  });

  test('stopping and starting again is told by the association of session and recording', () => {
    const { tracker } = basicCall();
    tracker.complete();
    tracker.recordingStopped(LATER_MS);
    tracker.recordingStopped(LATER_MS + 1);
    expect(tracker.partial()?.sessionRecordingAssociations).toMatchObject([
      { associateTimeMs: START_MS, disassociateTimeMs: LATER_MS },
    ]);
    tracker.recordingStarted(LATER_MS + 1000);
    tracker.recordingStarted(LATER_MS + 2000);
    expect(tracker.partial()?.sessionRecordingAssociations).toMatchObject([
      { associateTimeMs: LATER_MS + 1000, disassociateTimeMs: null },
    ]);
  });

  test('who comes back has a new associate-time and no end', () => {
    const { tracker, bob } = basicCall();
    tracker.participantLeft(LATER_MS, bob);
    tracker.complete();
    tracker.participantJoined(LATER_MS + 1, { participantId: bob, aor: 'sip:b@x', name: 'Bob' });
    expect(tracker.partial()?.participantSessionAssociations).toMatchObject([
      { participantId: bob, associateTimeMs: LATER_MS + 1, disassociateTimeMs: null },
    ]);
  });

  test('a removed stream is gone from the document and from everybody on it', () => {
    const { tracker, bobStream, aliceStream } = basicCall();
    tracker.streamRemoved(LATER_MS, bobStream);
    const document = tracker.complete();
    expect(document.streams.map(stream => stream.streamId)).toEqual([aliceStream]);
    expect(document.participantStreamAssociations).toMatchObject([
      { send: [aliceStream], recv: [], disassociateTimeMs: null },
      { send: [], recv: [aliceStream], disassociateTimeMs: LATER_MS },
    ]);
  });

  test('the group begins and ends with the session and is referred to by it', () => {
    const groupId = metadataIdFromUuid('bbbbbbbb-0000-4000-8000-000000000001');
    const tracker = new MetadataTracker({ ids: countingIds(), groupId });
    tracker.sessionStarted(START_MS);
    tracker.sessionEnded(LATER_MS);
    const document = tracker.complete();
    expect(document.groups).toMatchObject([
      { groupId, associateTimeMs: START_MS, disassociateTimeMs: LATER_MS },
    ]);
    expect(document.sessions[0]?.groupRef).toBe(groupId);
  });

  test('after the end a complete document still says whose stream is whose', () => {
    const { tracker, aliceStream, bobStream } = basicCall();
    tracker.sessionEnded(LATER_MS);
    expect(tracker.complete().participantStreamAssociations).toMatchObject([
      { send: [aliceStream] },
      { send: [bobStream] },
    ]);
  });

  test('what only ends something may come late or twice, and a late hold is ignored', () => {
    const { tracker, alice } = basicCall();
    tracker.sessionEnded(LATER_MS);
    const ended = tracker.complete();
    tracker.sessionEnded(LATER_MS + 1);
    tracker.participantLeft(LATER_MS + 1, alice);
    tracker.recordingStopped(LATER_MS + 1);
    tracker.setSending(LATER_MS + 1, alice, []);
    tracker.setReceiving(alice, []);
    expect(tracker.complete()).toEqual(ended);
  });

  test('illegal facts throw and change nothing', () => {
    const { tracker, alice, bob, aliceStream } = basicCall();
    const before = tracker.complete();
    const facts = { aor: 'sip:x@example.com', name: null };
    expect(() => tracker.participantLeft(LATER_MS, UNKNOWN)).toThrow(code('UNKNOWN_PARTICIPANT'));
    expect(() => tracker.participantRenamed(UNKNOWN, facts)).toThrow(code('UNKNOWN_PARTICIPANT'));
    expect(() => tracker.setSending(LATER_MS, UNKNOWN, [])).toThrow(code('UNKNOWN_PARTICIPANT'));
    expect(() => tracker.setSending(LATER_MS, alice, [UNKNOWN])).toThrow(code('UNKNOWN_STREAM'));
    expect(() => tracker.setReceiving(alice, [bob])).toThrow(code('UNKNOWN_STREAM'));
    expect(() => tracker.streamRemoved(LATER_MS, UNKNOWN)).toThrow(code('UNKNOWN_STREAM'));
    const takenIds: MetadataId[] = [alice, aliceStream, tracker.sessionId];
    for (const participantId of takenIds) {
      expect(() => tracker.participantJoined(LATER_MS, { ...facts, participantId })).toThrow(
        code('DUPLICATE_ID'),
      );
    }
    expect(() => tracker.streamAdded({ streamId: alice, label: '3' })).toThrow(
      code('DUPLICATE_ID'),
    );
    expect(() => tracker.streamAdded({ label: '1' })).toThrow(code('DUPLICATE_LABEL'));
    expect(() => tracker.participantLeft(NaN, alice)).toThrow(code('TIME'));
    expect(tracker.complete()).toEqual(before);
    tracker.participantLeft(LATER_MS, bob);
    expect(() => tracker.setSending(LATER_MS, bob, [aliceStream])).toThrow(
      code('UNKNOWN_PARTICIPANT'),
    );
    tracker.sessionEnded(LATER_MS);
    expect(() => tracker.participantJoined(LATER_MS, facts)).toThrow(code('SESSION_ENDED'));
    expect(() => tracker.recordingStarted(LATER_MS)).toThrow(code('SESSION_ENDED'));
  });

  test('participants are bounded; who left first makes room', () => {
    const tracker = new MetadataTracker({ ids: countingIds(), maxParticipants: 2, maxStreams: 1 });
    const join = (name: string): MetadataId =>
      tracker.participantJoined(START_MS, { aor: `sip:${name}@example.com`, name });
    const first = join('first');
    const second = join('second');
    expect(() => join('third')).toThrow(code('LIMIT'));
    tracker.participantLeft(LATER_MS, first);
    const third = join('third');
    const ids = tracker.complete().participants.map(participant => participant.participantId);
    expect(ids).toEqual([second, third]);
    tracker.streamAdded({ label: '1' });
    expect(() => tracker.streamAdded({ label: '2' })).toThrow(code('LIMIT'));
  });

  test('what a peer wrote is cut to a bounded length, never through a surrogate pair', () => {
    const tracker = new MetadataTracker({ ids: countingIds(), sipSessionId: 'f'.repeat(5000) });
    const name = `${'x'.repeat(255)}\u{1F600}${'y'.repeat(1000)}`;
    tracker.participantJoined(START_MS, { aor: `sip:${'a'.repeat(5000)}`, name });
    const document = tracker.complete();
    expect(document.participants[0]?.nameIds[0]?.name).toBe('x'.repeat(255));
    expect(document.participants[0]?.nameIds[0]?.aor).toHaveLength(1024);
    expect(document.sessions[0]?.sipSessionIds[0]).toHaveLength(256);
  });

  test('a reason that xs:short cannot hold is left out', () => {
    const { tracker } = basicCall();
    tracker.sessionEnded(LATER_MS, { cause: 70_000, text: 'made up' });
    expect(tracker.complete().sessions[0]).toMatchObject({ stopTimeMs: LATER_MS, reasons: [] });
  });
});
