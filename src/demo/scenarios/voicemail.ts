import { answerAfter } from '../../lab';
import { firstWordsMs, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { type Span, speaks } from '../proof/ear';
import { recorderCounts, recordingsAre, tellsEvents, untouched, verdictIs } from '../proof/wire';
import { checkEqual, type Scenario, type ScenarioCheck } from '../scenario';
import { type Evidence, type SessionEvidence } from '../stage/evidence';
import { addressOf, ALICE, BOB, DAVE, type DemoParty, HOST, MAILBOX } from '../stage/places';
import { type PlaceCallOptions, type Stage, type StageCall } from '../stage/stage';
import { recordedUsers } from '../stage/stage-config';

const TALK_MS = 2500;
/** Alice's mailbox as her own switch calls it: it answers in her place, and nobody was told before. */
const MAILBOX_BEHIND = `sip:vm-alice@${HOST}`;

interface MailboxCall {
  readonly call: StageCall;
  /** Times of the stage, ms. */
  readonly answeredMs: number;
  readonly endMs: number;
}

export const voicemail: Scenario = {
  name: 'voicemail',
  title: 'Mailboxes',
  shows:
    'calls with a mailbox, deposit and retrieval, are recorded only for users whose voicemail is; the ledger says how it was seen',
  phones: [{ party: ALICE }, { party: BOB }, { party: DAVE }, { party: MAILBOX }],
  config: () => ({
    ...recordedUsers({
      alice: { mode: 'always', recordVoicemail: false, reminderTone: { enabled: false } },
      dave: { mode: 'always', recordVoicemail: true, reminderTone: { enabled: false } },
    }),
    voicemail: { targets: [addressOf(MAILBOX)], patterns: ['vm-*@*'] },
    providers: { lab: { failover: { optionsIntervalMs: 0 } } },
  }),
  async play(stage) {
    stage.tell('alice listens to her messages');
    const aliceListens = await talk(stage, ALICE, MAILBOX);
    stage.tell("bob leaves a message for alice: her switch's mailbox answers");
    const forAlice = await talk(stage, BOB, ALICE, {
      answer: answerAfter(200, { headers: { 'P-Asserted-Identity': `<${MAILBOX_BEHIND}>` } }),
    });
    const before = await recorderCounts(stage);
    stage.tell('dave listens to his messages');
    const daveListens = await talk(stage, DAVE, MAILBOX);
    stage.tell('bob leaves a message for dave: his calls are diverted to the mailbox');
    const forDave = await talk(stage, BOB, MAILBOX, {
      headers: { Diversion: `<${addressOf(DAVE)}>;reason=no-answer` },
    });
    const evidence = await stage.evidence();
    const [retrieved, deposited] = [sessionOf(evidence, 0), sessionOf(evidence, 1)];
    const depositSpans = spansOf(stage, forDave, [BOB, MAILBOX]);
    return [
      ...bothHear(stage, aliceListens, [ALICE, MAILBOX]),
      ...bothHear(stage, forAlice, [BOB, ALICE]),
      ...untouched(", while alice's mailbox is on the line", before),
      ...sessionHolds(retrieved, spansOf(stage, daveListens, [DAVE, MAILBOX]), [DAVE, MAILBOX]),
      tellsEvents(stage, retrieved, [
        ['start', daveListens.answeredMs],
        ['stop', daveListens.endMs],
      ]),
      // The recorded party is dave, for whom his mailbox speaks.
      ...sessionHolds(deposited, [depositSpans[1], depositSpans[0]], [MAILBOX, BOB]),
      ...[retrieved, deposited].map(session => isDaves(session)),
      tellsEvents(stage, deposited, [
        ['start', forDave.answeredMs],
        ['stop', forDave.endMs],
      ]),
      checkEqual('recording sessions', 2, evidence.sessions.length),
      recordingsAre(evidence, 4),
      ...ledgerSays(evidence, 0, 'alice retrieves', 'alice', 'target'),
      verdictIs(evidence, 'not-recorded', ['policy'], 0),
      ...ledgerSays(evidence, 1, 'deposit for alice', 'alice', 'answer-identity'),
      verdictIs(evidence, 'not-recorded', ['policy'], 1),
      ...ledgerSays(evidence, 2, 'dave retrieves', 'dave', 'target'),
      verdictIs(evidence, 'recorded', ['complete'], 2),
      ...ledgerSays(evidence, 3, 'deposit for dave', 'dave', 'target'),
      checkEqual(
        'ledger: by what the deposit for dave is his',
        'Diversion',
        evidence.ledger[3]?.recordedParty.identifiedBy,
      ),
      verdictIs(evidence, 'recorded', ['complete'], 3),
      nothingLeftOpen(evidence),
    ];
  },
};

async function talk(
  stage: Stage,
  from: DemoParty,
  to: DemoParty,
  options: PlaceCallOptions = {},
): Promise<MailboxCall> {
  const call = await stage.call(from, to, options);
  const answeredMs = stage.nowMs();
  await stage.pause(TALK_MS);
  return { call, answeredMs, endMs: await stage.hangUp(call) };
}

/** What each says, from the first word to the end. */
function spansOf(
  stage: Stage,
  { call, endMs }: MailboxCall,
  parties: readonly [DemoParty, DemoParty],
): readonly [readonly Span[], readonly Span[]] {
  const [callerMs, calleeMs] = firstWordsMs(stage, call, parties);
  return [[[callerMs, endMs - 100]], [[calleeMs, endMs - 100]]];
}

/** Recorded or not, the two hear one another. */
function bothHear(
  stage: Stage,
  talked: MailboxCall,
  parties: readonly [DemoParty, DemoParty],
): readonly ScenarioCheck[] {
  const { call, answeredMs, endMs } = talked;
  const span: Span = [answeredMs + 500, endMs - 100];
  const [caller, callee] = parties;
  return [
    speaks(`live, ${callee.name}'s ear`, stage.heard(call.callee), caller, [span]),
    speaks(`live, ${caller.name}'s ear`, stage.heard(call.caller), callee, [span]),
  ];
}

/** Whose recording it is at the recorder's platform. */
function isDaves(session: SessionEvidence): ScenarioCheck {
  const properties = typeof session.told === 'string' ? null : session.told.properties;
  return checkEqual(
    `${session.file}: the platform's identity of the user`,
    `dave@${HOST}`,
    properties?.externalIdentifier,
  );
}

/** Whose recording it is, and how the mailbox was recognised. */
function ledgerSays(
  { ledger }: Evidence,
  index: number,
  what: string,
  user: string,
  detectedBy: string,
): readonly ScenarioCheck[] {
  const line = ledger[index];
  return [
    checkEqual(`ledger: ${what}: user`, user, line?.policy.userId ?? null),
    checkEqual(`ledger: ${what}: mailbox seen by`, detectedBy, line?.voicemail?.detectedBy),
  ];
}
