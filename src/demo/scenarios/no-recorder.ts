import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { nothingLeftOpen } from '../proof/call-proof';
import { speaks } from '../proof/ear';
import { type Cue, type Ear, hears } from '../proof/prompt-proof';
import { recorderCounts, recordingsAre, verdictIs } from '../proof/wire';
import {
  check,
  checkEqual,
  type ConfigOverlay,
  type Scenario,
  type ScenarioCheck,
} from '../scenario';
import { ALICE, BOB } from '../stage/places';
import { type Evidence } from '../stage/evidence';
import { type Stage, type StageCall } from '../stage/stage';
import { type SrsSpec } from '../stage/stage-srs';

/** What is done when a recording that must be made cannot be made. */

const REFUSES: readonly SrsSpec[] = [{ name: 'srs', behaviour: { refuseStatus: 503 } }];
/** Signalling with the recorder, before the announcement begins. */
const FAILED_BY_MS = 500;

function failureBehaviour(always: string): () => ConfigOverlay {
  return () => ({
    organisations: {
      demo: {
        failureBehaviour: { always },
        users: { alice: { recording: { reminderTone: { enabled: false } } } },
      },
    },
  });
}

export const endCallOnFailure: Scenario = {
  name: 'end-call-on-failure',
  title: 'No recording, no call',
  shows:
    'without a recorder both parties hear why, then the gateway hangs up both legs, and the ledger says that the recording failed',
  srs: REFUSES,
  config: failureBehaviour('end-call-with-announcement'),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await Promise.all([call.caller, call.callee].map(end => end.waitFor('ended', 20_000)));
    const evidence = await stage.evidence();
    const endings = [call.caller, call.callee].map(({ ending }) => ending);
    return [
      ...endings.map((ending, index) =>
        check(
          `${index === 0 ? 'alice' : 'bob'} is hung up`,
          ending?.by === 'peer' && ending.status === 200,
          'BYE from the gateway',
          ending === null ? 'not ended' : `by ${ending.by}: ${ending.status} ${ending.reason}`,
        ),
      ),
      ...bothAreTold(stage, call, 'failure-end').checks,
      checkEqual('ledger: who ended it', 'gateway: hang-up', evidence.ledger[0]?.endedBy),
      ...(await nothingRecorded(stage, evidence)),
    ];
  },
};

export const proceedWithAnnouncement: Scenario = {
  name: 'proceed-with-announcement',
  title: 'No recording, and everybody knows',
  shows:
    'without a recorder both parties hear that they are not recorded, the call goes on, and nothing of it is kept',
  srs: REFUSES,
  config: failureBehaviour('proceed-with-announcement'),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(8000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const told = bothAreTold(stage, call, 'failure-proceed');
    const after = [told.endMs + 500, endMs - 100] as const;
    return [
      ...told.checks,
      speaks("bob's ear, afterwards", stage.heard(call.callee), ALICE, [after]),
      speaks("alice's ear, afterwards", stage.heard(call.caller), BOB, [after]),
      checkEqual('who ended the call', 'us', call.caller.ending?.by),
      ...(await nothingRecorded(stage, evidence)),
    ];
  },
};

export const compulsoryNoSrs: Scenario = {
  name: 'compulsory-no-srs',
  title: 'Compulsory recording without a recorder',
  shows:
    'where recording is compulsory and no recorder takes it, the caller gets 503 and the callee never rings',
  srs: REFUSES,
  config: failureBehaviour('compulsory'),
  async play(stage) {
    let rang = 0;
    stage.phone(BOB).onIncoming(() => (rang += 1));
    const call = await stage.dial(ALICE, BOB.name);
    await call.waitFor('ended', 20_000);
    stage.startClock();
    const evidence = await stage.evidence();
    const metrics = await stage.metrics.registry.metrics();
    const missing = /^siprec_gateway_recordings_missing_total\{([^}]*)\} (\d+)/m.exec(metrics);
    return [
      checkEqual('what alice gets', 503, call.ending?.status),
      checkEqual(
        'and why',
        'SIP;cause=503;text="Call cannot be recorded"',
        call.finalResponse?.headers.get('Reason') ?? null,
      ),
      checkEqual('calls that reached bob', 0, rang),
      checkEqual('recording sessions', 0, evidence.sessions.length),
      check(
        'metric: missing recordings',
        missing?.[2] === '1' && missing[1]?.includes('srs-refused') === true,
        '1, srs-refused',
        missing === null ? 'none' : `${missing[2] ?? ''}, ${missing[1] ?? ''}`,
      ),
      toldByWebhook(stage, 'recording.failed', 'srs-refused'),
      nothingLeftOpen(evidence),
    ];
  },
};

/** Both hear the announcement soon after the answer, and one another under it. @returns also when it has ended. */
function bothAreTold(
  stage: Stage,
  { caller, callee }: StageCall,
  kind: Cue['kind'],
): { readonly checks: readonly ScenarioCheck[]; readonly endMs: number } {
  const ears: readonly Ear[] = [
    { name: ALICE.name, samples: stage.heard(caller), speaker: BOB, speakersCall: callee },
    { name: BOB.name, samples: stage.heard(callee), speaker: ALICE, speakersCall: caller },
  ];
  const heard = ears.map(ear => hears(stage, ear, { kind, after: [0, FAILED_BY_MS] }));
  return {
    checks: heard.flatMap(({ checks }) => checks),
    endMs: Math.max(...heard.map(({ found }) => found?.span[1] ?? Infinity)),
  };
}

async function nothingRecorded(
  stage: Stage,
  evidence: Evidence,
): Promise<readonly ScenarioCheck[]> {
  const [line] = evidence.ledger;
  const heardBy = line?.notices.filter(({ kind }) => kind === 'failure') ?? [];
  const outcomes = heardBy.flatMap(notice => notice.heardBy.map(({ outcome }) => outcome));
  const { packets, sessions } = await recorderCounts(stage);
  return [
    recordingsAre(evidence, 1),
    verdictIs(evidence, 'failed', ['srs-refused']),
    checkEqual('ledger: who has heard the announcement', 'played, played', outcomes.join(', ')),
    checkEqual('RTP packets copied for any recorder', 0, packets),
    checkEqual('recording sessions', 0, sessions),
    toldByWebhook(stage, 'recording.failed', 'srs-refused'),
    nothingLeftOpen(evidence),
  ];
}

/** The webhook of that kind came, with that reason. */
function toldByWebhook(stage: Stage, kind: string, reason: string): ScenarioCheck {
  const events = readFileSync(join(stage.outDir, 'webhooks.jsonl'), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { kind: string; facts?: { reason?: string } });
  const reasons = events.filter(event => event.kind === kind).map(({ facts }) => facts?.reason);
  return check(
    `webhook: ${kind}`,
    reasons.length > 0 && reasons.every(each => each === reason),
    reason,
    reasons.join(', ') || `none of ${events.map(event => event.kind).join(', ')}`,
  );
}
