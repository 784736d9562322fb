import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Explanation, explanationLines } from '../../lab';
import { check, checkEqual, type ScenarioCheck } from '../scenario';
import { PLATFORM } from '../stage/broadworks';
import { type SessionEvidence } from '../stage/evidence';
import { type DemoParty } from '../stage/places';
import { type Stage } from '../stage/stage';

/* What BroadWorks and Webex Calling send, by public traces (docs/broadworks-dialect.md). */

const INVITE_FORM: readonly (readonly [what: string, isSo: (invite: string) => boolean])[] = [
  ['Contact with ;src', text => /^Contact: *<[^>]+>;src\r$/m.test(text)],
  ['no Require', text => !/^Require:/im.test(text)],
  [
    'multipart, the metadata before the SDP',
    text => isBefore(text, '<recording_metadata', '\r\nv=0'),
  ],
  [
    'Session-ID with an unknown remote half',
    text => /^Session-ID: *[0-9a-f]{32};remote=0{32}\r$/im.test(text),
  ],
];

/** How the recording session begins, and who is recorded for whom. */
export function wireForm(session: SessionEvidence): readonly ScenarioCheck[] {
  const invite = session.messages.find(({ startLine }) => startLine.startsWith('INVITE '));
  const text = invite?.text ?? '';
  const missing = INVITE_FORM.filter(([, isSo]) => !isSo(text)).map(([what]) => what);
  const first = session.documents[0]?.xml ?? '';
  return [
    check(
      'the INVITE has the form of BroadWorks',
      invite !== undefined && missing.length === 0,
      INVITE_FORM.map(([what]) => what).join('; '),
      missing.length === 0 ? 'all of it' : `not so: ${missing.join('; ')}`,
    ),
    checkEqual(
      'X-BroadWorks-Correlation-Info is the tracking id at setup',
      elementOf(first, 'extTrackingID'),
      /^X-BroadWorks-Correlation-Info: *(\S+)/im.exec(text)?.[1] ?? null,
    ),
    check(
      'every document is complete, with ids of its own kind',
      session.documents.length > 0 &&
        session.documents.every(
          ({ xml }) =>
            xml.includes('<dataMode>complete</dataMode>') && !/ id="(?!urn:uuid:)/.test(xml),
        ),
      'dataMode complete, urn:uuid: ids',
      `${session.documents.length} documents`,
    ),
    ...[
      ['serviceProviderID', PLATFORM.serviceProvider] as const,
      ['groupID', PLATFORM.externalGroup] as const,
      ['userID', PLATFORM.externalIdentifier] as const,
      ['recordingType', 'on'] as const,
    ].map(([name, value]) => checkEqual(`extensiondata: ${name}`, value, elementOf(first, name))),
  ];
}

/**
 * The requests that the recorder got, in order: method, direction of the SDP, and whether a document is there, e.g.
 * `INVITE inactive`, `UPDATE +metadata`.
 */
export function requestsAre(session: SessionEvidence, expected: readonly string[]): ScenarioCheck {
  const found = session.messages
    .filter(({ startLine }) => /^(INVITE|UPDATE|BYE) /.test(startLine))
    .map(({ startLine, text }) =>
      [
        startLine.split(' ', 1)[0],
        /^a=(sendonly|inactive)/m.exec(text)?.[1],
        text.includes('<recording_metadata') ? '+metadata' : undefined,
      ]
        .filter(part => part !== undefined)
        .join(' '),
    );
  return check(
    `${session.srs}: requests of the session`,
    found.join() === expected.join(),
    expected.join(', '),
    found.join(', '),
  );
}

/** The explanation of `srs --explain` names who spoke on which channel, and is left beside the documents. */
export function explainedAs(
  stage: Stage,
  session: SessionEvidence,
  channels: readonly [readonly DemoParty[], readonly DemoParty[]],
): readonly ScenarioCheck[] {
  const { told } = session;
  if (typeof told === 'string') {
    return [check('the explanation', false, 'who spoke on which channel', told)];
  }
  writeFileSync(join(stage.outDir, 'explained.txt'), `${explanationLines(told).join('\n')}\n`);
  return channels.map((parties, index) => {
    const label = String(index + 1);
    const found = told.channels.find(channel => channel.label === label)?.parties ?? [];
    const isRight =
      found.length === parties.length &&
      parties.every(({ name }) => found.some(({ aor }) => aor.includes(name)));
    return check(
      `explained: channel ${label}`,
      isRight,
      parties.map(({ name }) => name).join(', '),
      found.map(({ aor }) => aor).join(', ') || 'nobody',
    );
  });
}

/** How the platform's block tells of the call. */
export function callIs(
  session: SessionEvidence,
  expected: Partial<NonNullable<Explanation['call']>>,
): readonly ScenarioCheck[] {
  const call = typeof session.told === 'string' ? null : session.told.call;
  return Object.entries(expected).map(([name, value]) => {
    const found = call?.[name as keyof typeof call];
    return checkEqual(`extensiondata: ${name}`, JSON.stringify(value), JSON.stringify(found));
  });
}

/** Text of the first element of that name; null when there is none. */
export function elementOf(xml: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
}

function isBefore(text: string, first: string, second: string): boolean {
  return text.includes(first) && text.indexOf(first) < text.indexOf(second);
}
