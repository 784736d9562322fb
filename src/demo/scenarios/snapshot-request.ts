import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { recordingsAre, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

const ASKED_AT_MS = 2000;

export const snapshotRequest: Scenario = {
  name: 'snapshot-request',
  title: 'A recorder asks for everything',
  shows: 'a recorder that asks for a snapshot gets a complete document at once (RFC 7866 §9.2)',
  srs: [{ name: 'srs', behaviour: { snapshotAfterMs: ASKED_AT_MS } }],
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(4000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const documents = typeof session.told === 'string' ? [] : session.told.documents;
    const complete = documents.filter(({ dataMode }) => dataMode === 'complete').length;
    const changes = session.messages.filter(
      ({ startLine, atMs }) => /^(?:INVITE|UPDATE) /.test(startLine) && atMs > ASKED_AT_MS,
    );
    const lateMs = Math.round((changes[0]?.atMs ?? Infinity) - ASKED_AT_MS);
    return [
      check('complete documents', complete >= 2, '2 at least', complete),
      check(
        'the snapshot comes at once',
        lateMs < 1000,
        'within 1 s of the request',
        `${lateMs} ms`,
      ),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, session, endMs),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
