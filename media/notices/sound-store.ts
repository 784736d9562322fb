import { KIND_G722, KIND_L16, KIND_PCMA, KIND_PCMU } from '../codec/payload-kinds';

/** Names the render of a sound that consists of G.722's sub-bands; the others are named by their sample rate. */
export const SUB_BANDS = 0;

/** Which render of a sound goes into a payload kind, and how many frames of it make a second. */
export function renderOf(kind: number, clockRateHz: number): number {
  switch (kind) {
    case KIND_PCMU:
    case KIND_PCMA:
      return 8000;
    case KIND_G722:
      return SUB_BANDS;
    case KIND_L16:
      return clockRateHz;
    default:
      return -1;
  }
}

/** The sounds that a worker can mix in, each rendered for the codecs that may need it. */
export class SoundStore {
  readonly #sounds = new Map<string, Map<number, Int16Array>>();

  /** Adds or replaces one render. */
  define(soundId: string, render: number, values: Int16Array): void {
    let renders = this.#sounds.get(soundId);
    if (renders === undefined) {
      renders = new Map();
      this.#sounds.set(soundId, renders);
    }
    renders.set(render, values);
  }

  forget(soundId: string): void {
    this.#sounds.delete(soundId);
  }

  find(soundId: string, render: number): Int16Array | null {
    return this.#sounds.get(soundId)?.get(render) ?? null;
  }
}
