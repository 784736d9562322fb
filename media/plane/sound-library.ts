import { type PayloadFormat } from '#core';
import { resample } from '../audio/resample';
import { splitBands } from '../codec/g722';
import { kindOf } from '../codec/payload-kinds';
import { MediaError } from '../errors';
import { renderOf, SUB_BANDS } from '../notices/sound-store';
import { renderTone } from '../notices/tone';
import { type NoticeSound, type PromptClip } from '../ports';
import { type WorkerCommand } from '../worker/protocol';

const MIN_RATE_HZ = 8000;
const MAX_RATE_HZ = 48_000;
/** The longest prompt, s. */
export const MAX_PROMPT_S = 60;
const MAX_PROMPTS = 4096;
/** Different tones that are kept; an operator configures a few. */
const MAX_TONES = 64;
/** The rate of what G.722 splits into sub-bands. */
const WIDE_BAND_HZ = 16_000;
/** A prompt's first and last samples fade, so that it cannot click, ms. */
const EDGE_MS = 4;

type Values = Int16Array<SharedArrayBuffer>;

interface Sound {
  readonly id: string;
  readonly durationMs: number;
  readonly renderPcm: (rateHz: number) => Int16Array;
  readonly renders: Map<number, Values>;
}

/**
 * Prompts and tones, rendered for the codecs and shared with all workers: at once for G.711 and G.722, for other rates
 * of L16 when a leg needs them first.
 */
export class SoundLibrary {
  readonly #sounds = new Map<string, Sound>();
  readonly #tones: string[] = [];
  readonly #broadcast: (command: WorkerCommand) => void;
  #prompts = 0;

  /** @param broadcast sends a command to every worker. */
  constructor(broadcast: (command: WorkerCommand) => void) {
    this.#broadcast = broadcast;
  }

  /** @throws MediaError `REC_ERR_MEDIA_NOTICE`. */
  definePrompt(promptId: string, clip: PromptClip): void {
    const id = promptSound(promptId);
    checkClip(promptId, clip);
    const { sampleRateHz } = clip;
    if (!this.#sounds.has(id) && ++this.#prompts > MAX_PROMPTS) {
      throw new MediaError('REC_ERR_MEDIA_NOTICE', `there are ${MAX_PROMPTS} prompts already`);
    }
    const samples = withSoftEdges(clip.samples, sampleRateHz);
    this.#add({
      id,
      durationMs: (samples.length * 1000) / sampleRateHz,
      renderPcm: rateHz => resample(samples, sampleRateHz, rateHz),
      renders: new Map(),
    });
  }

  /**
   * Makes sure that a sound is there for some formats.
   *
   * @throws MediaError `REC_ERR_MEDIA_NOTICE` for an unknown prompt, or a tone that makes no sense.
   */
  prepare(
    sound: NoticeSound,
    formats: readonly PayloadFormat[],
  ): { readonly soundId: string; readonly durationMs: number } {
    const found = sound.kind === 'prompt' ? this.#findPrompt(sound.promptId) : this.#tone(sound);
    for (const format of formats) {
      const render = renderOf(kindOf(format), format.clockRateHz);
      if (render >= MIN_RATE_HZ && render <= MAX_RATE_HZ) {
        this.#render(found, render);
      }
    }
    return { soundId: found.id, durationMs: found.durationMs };
  }

  /** What a new worker must be told. */
  commands(): WorkerCommand[] {
    return [...this.#sounds.values()].flatMap(({ id, renders }) =>
      [...renders].map(([render, values]): WorkerCommand => {
        return { kind: 'define-sound', soundId: id, render, values };
      }),
    );
  }

  #findPrompt(promptId: string): Sound {
    const sound = this.#sounds.get(promptSound(promptId));
    if (sound === undefined) {
      throw new MediaError('REC_ERR_MEDIA_NOTICE', `no prompt is named ${promptId}`, {
        details: { promptId },
      });
    }
    return sound;
  }

  #tone(tone: Extract<NoticeSound, { kind: 'tone' }>): Sound {
    checkTone(tone);
    const { frequencyHz, durationMs, levelDbm0, rampMs } = tone;
    const id = `tone ${frequencyHz} ${durationMs} ${levelDbm0} ${rampMs}`;
    const known = this.#sounds.get(id);
    if (known !== undefined) {
      return known;
    }
    const oldest = this.#tones.length < MAX_TONES ? undefined : this.#tones.shift();
    if (oldest !== undefined) {
      this.#sounds.delete(oldest);
      this.#broadcast({ kind: 'forget-sound', soundId: oldest });
    }
    this.#tones.push(id);
    return this.#add({
      id,
      durationMs,
      renderPcm: rateHz => renderTone(tone, rateHz),
      renders: new Map(),
    });
  }

  #add(sound: Sound): Sound {
    this.#sounds.set(sound.id, sound);
    this.#broadcast({ kind: 'forget-sound', soundId: sound.id });
    this.#render(sound, MIN_RATE_HZ);
    this.#render(sound, SUB_BANDS);
    return sound;
  }

  #render({ id, renderPcm, renders }: Sound, render: number): void {
    if (renders.has(render)) {
      return;
    }
    const pcm = render === SUB_BANDS ? splitBands(renderPcm(WIDE_BAND_HZ)) : renderPcm(render);
    const values = new Int16Array(new SharedArrayBuffer(pcm.byteLength));
    values.set(pcm);
    renders.set(render, values);
    this.#broadcast({ kind: 'define-sound', soundId: id, render, values });
  }
}

function promptSound(promptId: string): string {
  return `prompt ${promptId}`;
}

function checkClip(promptId: string, { samples, sampleRateHz }: PromptClip): void {
  const isRate =
    Number.isInteger(sampleRateHz) && sampleRateHz >= MIN_RATE_HZ && sampleRateHz <= MAX_RATE_HZ;
  if (!isRate || samples.length === 0 || samples.length > sampleRateHz * MAX_PROMPT_S) {
    throw new MediaError(
      'REC_ERR_MEDIA_NOTICE',
      `prompt ${promptId} must have ${MIN_RATE_HZ}–${MAX_RATE_HZ} Hz and last up to ${MAX_PROMPT_S} s`,
      { details: { promptId, sampleRateHz, samples: samples.length } },
    );
  }
}

function checkTone(tone: Extract<NoticeSound, { kind: 'tone' }>): void {
  const isWithin = (value: number, min: number, max: number): boolean =>
    value >= min && value <= max;
  if (
    !isWithin(tone.frequencyHz, 50, 3800) ||
    !isWithin(tone.durationMs, 10, 10_000) ||
    !isWithin(tone.levelDbm0, -60, 0) ||
    !isWithin(tone.rampMs, 0, tone.durationMs / 2)
  ) {
    throw new MediaError(
      'REC_ERR_MEDIA_NOTICE',
      'a tone has 50–3800 Hz, 10–10000 ms, −60…0 dBm0, and ramps of half its duration at most',
      { details: { ...tone } },
    );
  }
}

function withSoftEdges(samples: Int16Array, rateHz: number): Int16Array {
  const soft = samples.slice();
  const edge = Math.min(Math.round((EDGE_MS * rateHz) / 1000), samples.length >> 1);
  for (let i = 0; i < edge; i++) {
    const gain = (i + 0.5) / edge;
    const last = soft.length - 1 - i;
    soft[i] = Math.round((soft[i] ?? 0) * gain);
    soft[last] = Math.round((soft[last] ?? 0) * gain);
  }
  return soft;
}
