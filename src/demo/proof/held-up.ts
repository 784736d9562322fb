import { type PhoneCall } from '../../lab';
import { check, type ScenarioCheck } from '../scenario';
import { type DemoParty } from '../stage/places';
import { missingMs, type Span, spanText } from './ear';

/* Phones and gateway share a process and a machine. What a phone had no turn to send was taken away by nobody. */

/** Speakers are at -12 dBFS and lowered by 12 dB under a notice. */
const DUCKED_DBFS = -32;
/** A packet at each edge, and the ramps. */
const EDGE_MS = 40;
/** A phone that sends nothing for longer than two packets was held up itself. */
const HELD_UP_MS = 45;
/** After that the ear may be as much later again, until it finds out that the first packets were late ones. */
const AFTERWARDS_MS = 100;

/** A speaker, and the call in which it speaks: with the packets that its phone sent. */
export interface Speaker {
  readonly party: DemoParty;
  readonly call: Pick<PhoneCall, 'sentPackets'>;
}

/**
 * A speaker remains audible under notices, wherever its phone sent anything.
 * @param samples from the instant `fromMs` of the call on.
 * @param spans where the notices are, ms of the call.
 */
export function speaksUnder(
  where: string,
  { samples, fromMs }: { readonly samples: Int16Array; readonly fromMs: number },
  { party, call }: Speaker,
  spans: readonly Span[],
  zeroMs: number,
): ScenarioCheck {
  const heldUp = heldUpSpans(call, zeroMs);
  const looked = spans.flatMap(span => spanWithout(span, heldUp));
  const missing = looked.reduce(
    (sum, [from, until]) =>
      sum + missingMs([samples], party.toneHz, [from - fromMs, until - fromMs], DUCKED_DBFS),
    0,
  );
  const [wholeMs, lookedMs] = [spans, looked].map(lengthOf) as [number, number];
  const heldUpMs = Math.round(wholeMs - lookedMs);
  return check(
    `${where}: ${party.name} is there`,
    missing <= EDGE_MS * spans.length && lookedMs > heldUpMs,
    `${party.toneHz} Hz above ${DUCKED_DBFS} dBFS all the time (${spanText(spans)})`,
    `${missing} ms missing` + (heldUpMs > 0 ? `; the phone was held up for ${heldUpMs} ms` : ''),
  );
}

/** Spans in which a phone that talks sent nothing. Times of the call, ms. Pure. */
export function heldUpSpans(
  { sentPackets }: Pick<PhoneCall, 'sentPackets'>,
  zeroMs: number,
): readonly Span[] {
  return sentPackets.flatMap(({ wallMs }, index): Span[] => {
    const before = sentPackets[index - 1]?.wallMs ?? wallMs;
    return wallMs - before > HELD_UP_MS ? [[before - zeroMs, wallMs - zeroMs + AFTERWARDS_MS]] : [];
  });
}

/** What is left of a span when holes are taken out of it. Pure. */
export function spanWithout(span: Span, holes: readonly Span[]): readonly Span[] {
  const cut = (rest: readonly Span[], [from, until]: Span): readonly Span[] =>
    rest.flatMap(([a, b]): Span[] =>
      until <= a || from >= b
        ? [[a, b]]
        : [
            [a, from],
            [until, b],
          ],
    );
  return holes.reduce(cut, [span]).filter(([a, b]) => b > a);
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, until]) => sum + until - from, 0);
}
