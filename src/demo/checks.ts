import { scanTones, soundSpans, toneLevelDbfs } from '../lab';
import {
  type ChannelFacts,
  type DemoCheck,
  type DemoFacts,
  type PartyFacts,
  type RecordingDemoFacts,
} from './facts';

/** Windows in which tones are looked for, ms. */
const WINDOW_MS = 100;
/** The right tone is at least this loud, dBFS. It is sent at -12. */
const PRESENT_DBFS = -20;
/** The wrong tone is at least this much below the right one, dB. */
const SEPARATION_DB = 30;
/** From the first sound on, this much of the talk must be audible; windows at the edges hold half a tone. */
const MIN_COVERAGE = 0.95;
/** The first sound may be late by what two phones and a busy machine need to begin, ms. */
const MAX_FIRST_SOUND_MS = 1000;
/** How much later than in the other party's ear a sound may begin in the recording: one packet, ms. */
const MAX_LATER_THAN_HEARD_MS = 20;

/** Checks a call of two parties with one recording, by ear and by counting. Pure. */
export function checkRecordedCall(facts: DemoFacts): readonly DemoCheck[] {
  return [
    check(
      'call answered',
      facts.answered,
      facts.answered ? `after ${ms(facts.answeredAfterMs)}` : 'no',
    ),
    heard('caller heard callee', facts.caller, facts.callee.party.toneHz, facts),
    heard('callee heard caller', facts.callee, facts.caller.party.toneHz, facts),
    check('one recording', facts.recordings.length === 1, `${facts.recordings.length} made`),
    ...facts.recordings.flatMap(recording => checkRecording(recording, facts)),
    nothingLeftOpen(facts),
  ];
}

function checkRecording(recording: RecordingDemoFacts, facts: DemoFacts): readonly DemoCheck[] {
  const { file, channels } = recording;
  return [
    check(
      `${file}: verdict`,
      recording.verdict === 'recorded',
      `${recording.verdict} (${recording.verdictReasons.join(', ')})`,
    ),
    check(`${file}: two channels`, channels.length === 2, `${channels.length} streams`),
    ...channels.flatMap(channel => checkChannel(file, channel, channels, facts)),
    check(
      `${file}: no packet missing`,
      recording.packetsMissing === 0,
      `${recording.packetsMissing} missing`,
    ),
    check(
      `${file}: metadata and SIP conform to RFC 7865 and RFC 7866`,
      recording.documents > 0 && recording.deviations.length === 0,
      recording.deviations.length === 0
        ? `${recording.documents} documents, ${recording.sipMessages} SIP messages, no deviation`
        : recording.deviations.map(({ clause, message }) => `${clause}: ${message}`).join('; '),
    ),
  ];
}

function checkChannel(
  file: string,
  channel: ChannelFacts,
  all: readonly ChannelFacts[],
  facts: DemoFacts,
): readonly DemoCheck[] {
  const { expected, samples } = channel;
  const name = `${file} channel ${channel.channel}`;
  const wrong = all.find(other => other !== channel)?.expected;
  const covered = coverage(samples, expected.toneHz, wrong?.toneHz ?? null, facts.talkMs);
  // What a party says is heard live by the other one: the yardstick for the beginning of the recording.
  const listener = expected.name === facts.caller.party.name ? facts.callee : facts.caller;
  const recordedFromMs = firstSoundMs(samples);
  const heardFromMs = firstSoundMs(listener.heard);
  return [
    check(
      `${name}: ${expected.toneHz} Hz of ${expected.name} and nobody else`,
      covered >= MIN_COVERAGE,
      `${percent(covered)} of the talk, ${levelText(samples, expected.toneHz)}`,
    ),
    check(
      `${name}: metadata names ${expected.name}`,
      channel.label === String(channel.channel) && (channel.aor ?? '').includes(expected.name),
      `label ${channel.label ?? '?'} is ${channel.aor ?? 'nobody'}`,
    ),
    check(
      `${name}: from the first word on, nothing lost`,
      recordedFromMs <= heardFromMs + MAX_LATER_THAN_HEARD_MS && channel.lost === 0,
      `begins ${ms(recordedFromMs)} after the answer (live: ${ms(heardFromMs)}), ` +
        `${channel.packets} packets, ${channel.lost} lost`,
    ),
  ];
}

function heard(name: string, listener: PartyFacts, hz: number, facts: DemoFacts): DemoCheck {
  const covered = coverage(listener.heard, hz, listener.party.toneHz, facts.talkMs);
  return check(
    name,
    covered >= MIN_COVERAGE && listener.packetsLost === 0,
    `${hz} Hz in ${percent(covered)} of the talk, ${levelText(listener.heard, hz)}, ` +
      `${listener.packetsReceived} packets, ${listener.packetsLost} lost`,
  );
}

function nothingLeftOpen({ leftOpen }: DemoFacts): DemoCheck {
  const open = Object.entries(leftOpen).filter(([, count]) => count !== 0);
  return check(
    'nothing left open in the gateway',
    open.length === 0,
    open.length === 0
      ? Object.keys(leftOpen).join(', ')
      : open.map(([what, n]) => `${n} ${what}`).join(', '),
  );
}

/** Share of the talk, from the first sound on, in which the right tone is there and the wrong one is not. 0..1. */
export function coverage(
  samples: Int16Array,
  rightHz: number,
  wrongHz: number | null,
  talkMs: number,
): number {
  const startMs = Math.min(firstSoundMs(samples), MAX_FIRST_SOUND_MS);
  const expected = Math.floor((talkMs - startMs) / WINDOW_MS);
  const candidates = wrongHz === null ? [rightHz] : [rightHz, wrongHz];
  const good = scanTones(samples, candidates, {
    windowMs: WINDOW_MS,
    thresholdDbfs: PRESENT_DBFS,
    separationDb: SEPARATION_DB,
  }).filter(window => window.hz === rightHz && (wrongHz === null || window.isAlone));
  return expected <= 0 ? 0 : Math.min(1, good.length / expected);
}

function firstSoundMs(samples: Int16Array): number {
  return soundSpans(samples)[0]?.[0] ?? Infinity;
}

function levelText(samples: Int16Array, hz: number): string {
  return `${toneLevelDbfs(samples, hz).toFixed(1)} dBFS`;
}

function check(name: string, ok: boolean, detail: string): DemoCheck {
  return { name, ok, detail };
}

function ms(value: number | null): string {
  return value === null ? 'never' : `${Math.round(value)} ms`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
