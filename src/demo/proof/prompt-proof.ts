import { packagedPromptPath, readPromptFile } from '#media';

import { type PhoneCall, resampleTo8k } from '../../lab';
import { check, type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB, type DemoParty } from '../stage/places';
import { type Stage } from '../stage/stage';
import { seconds, type Span } from './ear';
import { speaksUnder } from './held-up';
import { findPrompt, type FoundPrompt, traceOf } from './prompt-ear';

const LANGUAGE = 'en';
/** Signalling, and the way of the sound to the ear. */
const START_TOLERANCE_MS = 700;
/** G.711 and the edges of the speaker's turning down take a little. */
const LIKE_ENOUGH = 0.8;
const SEPARATION_DB = 40;
/** An announcement that has to be heard, and what it follows. Times are of the call, ms. */
export interface Cue {
  readonly kind:
    'start' | 'stop' | 'pause' | 'resume' | 'compliance' | 'failure-proceed' | 'failure-end';
  /** From the first to the last moment at which what it follows may have happened. */
  readonly after: Span;
  /** Default 0. */
  readonly delayMs?: number;
}

/** Whose ear it is, and who speaks to it meanwhile. */
export interface Ear {
  readonly name: string;
  readonly samples: Int16Array;
  readonly speaker: DemoParty;
  /** The speaker's own call, with the packets that it sent; null: it says nothing yet. */
  readonly speakersCall: PhoneCall | null;
}

export interface HeardPrompt {
  readonly cue: Cue;
  /** null: there is nothing to look at. */
  readonly found: FoundPrompt | null;
  readonly checks: readonly ScenarioCheck[];
}

/** The packaged announcement is heard, whole and in time, and the speaker remains audible under it. */
export function hears(stage: Stage, ear: Ear, cue: Cue): HeardPrompt {
  const [sentMs, doneMs] = cue.after;
  const delayMs = cue.delayMs ?? 0;
  const window: Span = [sentMs + delayMs, doneMs + delayMs + START_TOLERANCE_MS];
  const found = findPrompt(ear.samples, promptOf(cue.kind), ear.speaker.toneHz, window);
  const likeness = found?.likeness ?? 0;
  const heard = check(
    `${ear.name}'s ear: announcement "${cue.kind}"`,
    likeness >= LIKE_ENOUGH,
    `its samples from ${seconds(window[0])} to ${seconds(window[1])} on, by ${LIKE_ENOUGH * 100} % at least`,
    found === null
      ? 'nothing'
      : `${(likeness * 100).toFixed(0)} % at ${seconds(found.span[0])}, gain ${found.gain.toFixed(2)}`,
  );
  const { name, speaker, speakersCall } = ear;
  return {
    cue,
    found,
    checks:
      speakersCall === null || found === null
        ? [heard]
        : [
            heard,
            speaksUnder(
              `${name}'s ear, under "${cue.kind}", which is taken out`,
              { samples: found.rest, fromMs: found.span[0] },
              { party: speaker, call: speakersCall },
              [found.span],
              stage.zeroMs,
            ),
          ],
  };
}

/** The announcement is nowhere in an ear that it is not for. */
export function doesNotHear(ear: Ear, cue: Cue, where: FoundPrompt | null): ScenarioCheck {
  const trace = traceOf(
    ear.samples,
    promptOf(cue.kind),
    ear.speaker.toneHz,
    where?.span ?? cue.after,
  );
  return check(
    `${ear.name}'s ear: no announcement "${cue.kind}"`,
    decibels(trace) < -SEPARATION_DB,
    `its samples more than ${SEPARATION_DB} dB below the file's`,
    `${decibels(trace).toFixed(1)} dB`,
  );
}

/** None of the announcements is in a recording, on either channel, where it was heard live. */
export function noPromptRecorded(
  session: SessionEvidence,
  heard: readonly HeardPrompt[],
  parties: readonly [DemoParty, DemoParty] = [ALICE, BOB],
): readonly ScenarioCheck[] {
  return parties.map((party, index) => {
    const samples = session.channels[index] ?? session.channels[0];
    const traces = heard.map(({ cue, found }) =>
      found === null
        ? Infinity
        : decibels(
            traceOf(samples, promptOf(cue.kind), party.toneHz, found.span) /
              Math.max(found.gain, Number.EPSILON),
          ),
    );
    const loudest = Math.max(...traces);
    return check(
      `${session.file} channel ${index + 1}: no announcement`,
      heard.length > 0 && loudest < -SEPARATION_DB,
      `each of ${heard.map(({ cue }) => cue.kind).join(', ')} more than ${SEPARATION_DB} dB below the live one`,
      `${loudest.toFixed(1)} dB at most`,
    );
  });
}

function promptOf(kind: Cue['kind']): Int16Array {
  const { samples, sampleRateHz } = readPromptFile(packagedPromptPath(LANGUAGE, kind));
  return resampleTo8k(samples, sampleRateHz);
}

function decibels(gain: number): number {
  return 20 * Math.log10(Math.max(gain, 1e-6));
}
