import { type PayloadFormat, PCMA, PCMU } from '#core';
import { L16_RATES_HZ, MIXABLE_ENCODINGS, type RecordingStreamRules } from '#media';

import { type ProviderSettings } from '../settings';

/** What a stream can be transcoded into. */
const TARGETS: readonly PayloadFormat[] = [PCMU, PCMA];
const FIRST_DYNAMIC_TYPE = 96;

/** What an SRS is offered of one party's stream, and what is done with the party's packets for it. */
export interface RecordingFormats {
  readonly offered: readonly PayloadFormat[];
  readonly rules: RecordingStreamRules;
  /** Encodings that the provider does not take and that cannot be transcoded: they are offered all the same. */
  readonly untranscodable: readonly string[];
}

/**
 * Chooses formats: what the provider takes stays as it is, what it does not take becomes the first of its codecs that can
 * be made, and only what cannot be made anything is offered as it is. Where a provider takes everything, a stream
 * that is not of G.711 is offered as G.711 too, because recorders may know nothing else. Pure.
 *
 * @param leg what the party may send with.
 */
export function recordingFormats(
  leg: readonly PayloadFormat[],
  {
    codecs,
    dtmf = 'pass',
    comfortNoise = 'pass',
  }: Pick<ProviderSettings, 'codecs' | 'dtmf' | 'comfortNoise'>,
): RecordingFormats {
  const isTaken = ({ encoding }: PayloadFormat): boolean => codecs?.includes(encoding) ?? true;
  const audio = leg.filter(format => !isEvent(format) && !isNoise(format));
  const kept = audio.filter(isTaken);
  const others = audio.filter(format => !isTaken(format));
  const makeable = others.filter(isReadable);
  const lost = others.filter(format => !isReadable(format));
  const needsMaking =
    codecs === undefined ? audio.some(isReadable) && !kept.some(isG711) : makeable.length > 0;
  const made = needsMaking && !kept.some(isG711) ? targets(codecs, leg) : [];
  // Without anything to make of it the stream is offered as it is, and the SRS decides.
  const target = kept.find(isG711) ?? made[0] ?? null;
  const unmade = target === null ? others : lost;
  return {
    offered: [
      ...kept,
      ...made,
      ...unmade,
      ...(dtmf === 'pass' ? leg.filter(isEvent) : []),
      ...(comfortNoise === 'pass' ? leg.filter(isNoise) : []),
    ],
    rules: { keep: codecs ?? null, transcodeTo: target, dtmf, comfortNoise },
    untranscodable: unmade.map(({ encoding }) => encoding),
  };
}

/** In the provider's order, with payload types that the leg uses for nothing else. */
function targets(
  codecs: readonly string[] | undefined,
  leg: readonly PayloadFormat[],
): readonly PayloadFormat[] {
  const wanted = codecs ?? TARGETS.map(({ encoding }) => encoding);
  const taken = new Set(leg.map(({ payloadType }) => payloadType));
  return wanted.flatMap(encoding => {
    const format = TARGETS.find(each => each.encoding === encoding);
    if (format === undefined) {
      return [];
    }
    let { payloadType } = format;
    for (let next = FIRST_DYNAMIC_TYPE; taken.has(payloadType) && next < 128; next++) {
      payloadType = next;
    }
    taken.add(payloadType);
    return [{ ...format, payloadType }];
  });
}

function isReadable({ encoding, clockRateHz, channels }: PayloadFormat): boolean {
  const isRateKnown =
    encoding === 'L16' ? L16_RATES_HZ.includes(clockRateHz) : clockRateHz === 8000;
  return MIXABLE_ENCODINGS.includes(encoding) && channels === 1 && isRateKnown;
}

function isG711({ encoding, clockRateHz, channels }: PayloadFormat): boolean {
  return (encoding === 'PCMU' || encoding === 'PCMA') && clockRateHz === 8000 && channels === 1;
}

function isEvent({ encoding }: PayloadFormat): boolean {
  return encoding === 'TELEPHONE-EVENT';
}

function isNoise({ encoding }: PayloadFormat): boolean {
  return encoding === 'CN';
}
