import { join } from 'node:path';

import { systemClock } from '#core';

import { type PhoneCall, take, tone, toneLevelDbfs, writeWav } from '../../src/lab';
import { type GatewayBench } from './gateway-bench';

/** What the prompts of {@link organisationWithPrompts} sound like: each its own tone. */
export const PROMPTS_HZ = { start: 1000, stop: 1200, pause: 1500, resume: 1700, compliance: 2000 };
export const PROMPT_MS = 600;
const WINDOW = 1600;

/** A prompt that is a tone, as a WAV file. */
export function writePrompt(file: string, hz: number): void {
  const samples = take(tone({ hz, levelDbfs: -14, durationMs: PROMPT_MS }), PROMPT_MS * 8);
  writeWav(file, [samples], { clock: systemClock });
}

/** `organisations` with alice, who is recorded as said, and prompts that are tones. */
export function organisationWithPrompts(
  folder: string,
  recording: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    test: {
      provider: 'lab',
      customAudio: Object.fromEntries(
        Object.keys(PROMPTS_HZ).map(kind => [kind, join(folder, `${kind}.wav`)]),
      ),
      users: {
        alice: {
          identities: ['sip:alice@127.0.0.1'],
          recording: { reminderTone: { enabled: false }, ...recording },
        },
      },
      ...more,
    },
  };
}

/** @returns the status of the answer. */
export async function record(call: PhoneCall, value: string): Promise<number> {
  return (await call.sendInfo({ headers: { Record: value } })).status;
}

/** The kinds of the notices that the recorder has been told of. */
export function noticesOf({ view }: GatewayBench['srs']['recordings'][number]): readonly string[] {
  return view?.metadata.details?.notices.map(({ kind }) => kind) ?? [];
}

export function loudestDbfs(samples: Int16Array, hz: number): number {
  return Math.max(-120, ...windowsOf(samples).map(window => toneLevelDbfs(window, hz)));
}

/** Windows of 200 ms, each 50 ms after the one before. */
export function windowsOf(samples: Int16Array): readonly Int16Array[] {
  const count = Math.max(0, Math.floor((samples.length - WINDOW) / (WINDOW / 4)) + 1);
  return Array.from({ length: count }, (_, n) =>
    samples.subarray((n * WINDOW) / 4, (n * WINDOW) / 4 + WINDOW),
  );
}
