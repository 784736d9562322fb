import { type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { type SentControl } from '../stage/controls';
import { isSilent, type Span } from './ear';
import { nothingFrom } from './wire';

/** Audio that was under way when the key was pressed, ms. */
const EDGE_MS = 20;

/** From pause to resume nothing that is said or pressed leaves toward the recorder, and its WAV has silence there. */
export function nothingWhilePaused(
  session: SessionEvidence,
  pause: SentControl,
  resume: SentControl,
): readonly ScenarioCheck[] {
  const paused: Span = [pause.span[1] + EDGE_MS, resume.span[0]];
  return [
    ...session.channels.map((samples, index) =>
      isSilent(`${session.file} channel ${index + 1}, paused`, samples, paused),
    ),
    nothingFrom('while paused', session, paused),
  ];
}
