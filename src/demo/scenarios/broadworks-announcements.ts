import { explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { conforms, recordingsAre, verdictIs } from '../proof/wire';
import { check, type Scenario, type ScenarioCheck } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB } from '../stage/places';
import { announcedToBoth, playAnnouncedControls } from './announced-controls';

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
    const played = await playAnnouncedControls(stage);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    return [
      ...announcedToBoth(stage, played, session),
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
