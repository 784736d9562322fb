import { type PhoneSpec, type Places } from './stage/places';
import { type StagePki } from './stage/stage-pki';
import { type SrsSpec } from './stage/stage-srs';
import { type Stage } from './stage/stage';

/** One thing that must be so. */
export interface ScenarioCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What must be, and what was, in words. */
  readonly expected: string;
  readonly found: string;
}

/** Settings laid over those of the stage: objects are merged key by key, everything else is replaced. */
export type ConfigOverlay = Readonly<Record<string, unknown>>;

/** A call that shows one thing and checks itself. */
export interface Scenario {
  /** As it is called on the command line. */
  readonly name: string;
  /** A few words. */
  readonly title: string;
  /** One sentence: what is proved. */
  readonly shows: string;
  /** Default: alice, the recorded user, and bob. */
  readonly phones?: readonly PhoneSpec[];
  /** In the order of preference. Default: one that behaves, named `srs`. */
  readonly srs?: readonly SrsSpec[] | ((pki: StagePki) => readonly SrsSpec[]);
  readonly config?: (places: Places) => ConfigOverlay;
  /** Places the call, waits for its end, and says what must be so. What it throws is a failed check. */
  play(stage: Stage): Promise<readonly ScenarioCheck[]>;
}

/** A check that holds if `ok`. */
export function check(
  name: string,
  ok: boolean,
  expected: string,
  found: string | number | null,
): ScenarioCheck {
  return { name, ok, expected, found: String(found) };
}

/** A check that one value is another. */
export function checkEqual(
  name: string,
  expected: string | number | null,
  found: string | number | null | undefined,
): ScenarioCheck {
  return check(name, expected === found, String(expected), found ?? 'nothing');
}
