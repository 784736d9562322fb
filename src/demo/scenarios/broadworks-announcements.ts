import { explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { liveCallIsWhole, nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { type Ear, hears, noPromptRecorded } from '../proof/prompt-proof';
import { conforms, recordingsAre, tellsEvents, tellsNotice, verdictIs } from '../proof/wire';
import { check, type Scenario, type ScenarioCheck } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { pressRecordKey } from '../stage/controls';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB } from '../stage/places';

/** Phones that keep what they send: what a busy machine holds up is not what the gateway takes away. */
const CAPTURE = { capture: true };

export const broadworksAnnouncements: Scenario = {
  name: 'broadworks-announcements',
  title: 'BroadWorks: start, stop, pause, resume and announcements',
  shows:
    'each is told in our element of the extensiondata, in a complete update; what was announced is heard by both and not recorded',
  phones: [
    { party: ALICE, options: CAPTURE },
    { party: BOB, options: CAPTURE },
  ],
  config: () =>
    broadworksConfig({
      mode: 'on-demand',
      notification: 'announcement',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: true },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(1500);
    const start = await pressRecordKey(stage, call.caller, 'start');
    await stage.until(4500);
    const pause = await pressRecordKey(stage, call.caller, 'pause');
    await stage.until(7000);
    const resume = await pressRecordKey(stage, call.caller, 'resume');
    await stage.until(9500);
    const stop = await pressRecordKey(stage, call.caller, 'stop');
    await stage.until(12_000);
    await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const controls = [start, pause, resume, stop];
    const ears: readonly Ear[] = [
      { name: 'alice', samples: stage.heard(call.caller), speaker: BOB, speakersCall: call.callee },
      { name: 'bob', samples: stage.heard(call.callee), speaker: ALICE, speakersCall: call.caller },
    ];
    const heard = ears.map(ear =>
      controls.map(({ action, span }) => hears(stage, ear, { kind: action, after: span })),
    );
    const bobs = heard[1] ?? [];
    return [
      ...controls.map(each => each.check),
      ...heard.flat().flatMap(({ checks }) => checks),
      ...liveCallIsWhole(stage, call, start.span[0]),
      ...noPromptRecorded(session, bobs),
      ...wireForm(session),
      requestsAre(session, [
        'INVITE sendonly +metadata',
        'UPDATE +metadata',
        ...['pause', 'resume', 'stop'].flatMap(action => [
          `INVITE ${action === 'resume' ? 'sendonly' : 'inactive'}`,
          'UPDATE +metadata',
          'UPDATE +metadata',
        ]),
        'BYE',
      ]),
      ...bobs.map(({ cue, found }) =>
        tellsNotice(stage, session, cue.kind, found?.span ?? null, 2),
      ),
      tellsEvents(
        stage,
        session,
        controls.map(({ action, span }) => [action, span[1]]),
      ),
      inExtensionData(session),
      conforms(session),
      ...explainedAs(stage, session, [[ALICE], [BOB]]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};

/** Our element stands beside the platform's block, in the extensiondata and nowhere else. */
function inExtensionData({ documents }: SessionEvidence): ScenarioCheck {
  const isThere = documents.every(({ xml }) => {
    const data = /<extensiondata .*<\/extensiondata>/.exec(xml)?.[0] ?? '';
    const rest = xml.replace(data, '');
    return (
      data.includes('</broadWorksRecordingMetadata>') &&
      data.includes('urn:siprec-gateway:recording-details:1') &&
      !rest.includes('urn:siprec-gateway:')
    );
  });
  return check(
    'events and announcements stand in the extensiondata, beside the platform’s block',
    documents.length > 0 && isThere,
    'in every document',
    `${documents.length} documents, ${isThere ? 'all so' : 'not all so'}`,
  );
}
