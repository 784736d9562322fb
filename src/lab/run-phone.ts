import { extname } from 'node:path';
import { errorMessage, noopLogger, systemClock, type Clock } from '#core';
import { type EngineTransport } from '#sip/engine';
import { pcmOf, type PcmSource, silence } from './audio/pcm';
import { resampleTo8k } from './audio/resample';
import { tone } from './audio/tone';
import { readWav } from './audio/wav-reader';
import { writeHeardWav } from './evidence';
import { type PhoneCall } from './phone/phone-call';
import { createSoftphone, type Softphone } from './phone/softphone';
import { aborted, type LabSurroundings, type LabTls, labTls, printLine } from './run-srs';

export type RunPhoneAudio =
  | { readonly kind: 'tone'; readonly hz: number }
  | { readonly kind: 'wav'; readonly file: string }
  | { readonly kind: 'silence' };

export interface RunPhoneOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly transport: EngineTransport;
  /** null: wait for calls and answer them. */
  readonly callUri: string | null;
  readonly audio: RunPhoneAudio;
  /** Length of a call, s; null: until the other side hangs up or we are stopped. */
  readonly durationS: number | null;
  /** WAV of what was heard; of further calls `name-2.wav` and so on. null: none. */
  readonly outFile: string | null;
  readonly tls?: LabTls;
}

const RING_TIMEOUT_MS = 120_000;
/** What a wait for something that only people end is given: a day. */
const UNLIMITED_MS = 86_400_000;

/**
 * Calls, or answers calls, until the call ends or `signal` aborts.
 * @returns the exit code: 0, or 1 when a call that we placed was not answered.
 * @throws LabError `REC_ERR_LAB_BIND`, `REC_ERR_LAB_BAD_WAV`, `REC_ERR_LAB_UNREACHABLE`.
 */
export async function runPhone(
  options: RunPhoneOptions,
  signal: AbortSignal,
  surroundings: LabSurroundings = {},
): Promise<number> {
  const { clock = systemClock, logger = noopLogger, print = printLine } = surroundings;
  const phone = await createSoftphone({
    name: 'phone',
    host: options.listen.host,
    port: options.listen.port,
    transport: options.transport,
    audio: audioOf(options.audio),
    ...labTls(options.tls),
    clock,
    logger,
  });
  try {
    return options.callUri === null
      ? await answerCalls(phone, options, signal, { clock, print })
      : await placeCall(phone, options.callUri, options, signal, { clock, print });
  } finally {
    await phone.close();
  }
}

interface Tools {
  readonly clock: Clock;
  readonly print: (line: string) => void;
}

async function placeCall(
  phone: Softphone,
  uri: string,
  options: RunPhoneOptions,
  signal: AbortSignal,
  tools: Tools,
): Promise<number> {
  tools.print(`calling ${uri}`);
  const call = await phone.call(uri, { ringTimeoutMs: RING_TIMEOUT_MS });
  void aborted(signal).then(() => call.hangUp());
  try {
    await call.waitFor('answered', 2 * RING_TIMEOUT_MS);
  } catch (error) {
    tools.print(errorMessage(error));
    return 1;
  }
  await followCall(call, options, tools, 1);
  return 0;
}

async function answerCalls(
  phone: Softphone,
  options: RunPhoneOptions,
  signal: AbortSignal,
  tools: Tools,
): Promise<number> {
  const followed = new Set<Promise<void>>();
  let count = 0;
  phone.onIncoming(incoming => {
    count += 1;
    tools.print(`call ${count} from ${incoming.request.headers.get('from') ?? ''}`);
    incoming.answer();
    const following = followCall(incoming.call, options, tools, count)
      .catch((error: unknown) => tools.print(errorMessage(error)))
      .finally(() => followed.delete(following));
    followed.add(following);
  });
  tools.print(`waiting for calls at ${phone.uri}`);
  await aborted(signal);
  await Promise.all(phone.calls.map(call => call.hangUp()));
  await Promise.all(followed);
  return 0;
}

/** Stays with an answered call to its end; tells and writes what was heard. */
async function followCall(
  call: PhoneCall,
  options: RunPhoneOptions,
  { clock, print }: Tools,
  number: number,
): Promise<void> {
  print('answered');
  const { durationS, outFile } = options;
  const limit =
    durationS === null ? null : clock.setTimer(durationS * 1000, () => void call.hangUp());
  await call.waitFor('ended', UNLIMITED_MS).finally(() => limit?.cancel());
  const { packetsSent, received } = call.statistics();
  const packets = received.reduce((sum, source) => sum + source.packets, 0);
  const lost = received.reduce((sum, source) => sum + source.lost, 0);
  print(
    `ended by ${call.ending?.by === 'us' ? 'us' : 'the other side'}: ${packetsSent} packets sent, ${packets} received, ${lost} lost`,
  );
  if (outFile !== null) {
    const path = numbered(outFile, number);
    writeHeardWav(call, { path, clock });
    print(`heard: ${path}`);
  }
}

function numbered(file: string, number: number): string {
  const extension = extname(file);
  const stem = file.slice(0, file.length - extension.length);
  return number === 1 ? file : `${stem}-${number}${extension}`;
}

function audioOf(audio: RunPhoneAudio): PcmSource {
  switch (audio.kind) {
    case 'tone':
      return tone({ hz: audio.hz });
    case 'silence':
      return silence;
    case 'wav': {
      const { channels, sampleRateHz } = readWav(audio.file);
      return pcmOf(resampleTo8k(channels[0] ?? new Int16Array(0), sampleRateHz), { loop: true });
    }
  }
}
