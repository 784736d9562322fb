import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noopLogger, systemClock } from '#core';
import { scanTones } from '../../src/lab/audio/tone-detector';
import { tone } from '../../src/lab/audio/tone';
import { readWav } from '../../src/lab/audio/wav-reader';
import { writeWav } from '../../src/lab/audio/wav-writer';
import { answerAfter, rejectWith } from '../../src/lab/phone/incoming-call';
import { createSoftphone } from '../../src/lab/phone/softphone';
import { runPhone, type RunPhoneOptions } from '../../src/lab/run-phone';
import { runSrs } from '../../src/lab/run-srs';
import { Waiters } from '../../src/lab/waiters';
import { HandMadeSrc } from './lab-support/hand-made-src';

let directory: string;
const waiters = new Waiters(systemClock);
let lines: string[] = [];
const print = (line: string): void => {
  lines.push(line);
  waiters.check();
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-tools-'));
  lines = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

function lineWith(text: string): string | undefined {
  return lines.find(line => line.includes(text));
}

async function printed(text: string): Promise<string> {
  await waiters.until(() => lineWith(text) !== undefined, 10_000, `"${text}" is printed`);
  return lineWith(text) ?? '';
}

describe('runPhone()', () => {
  const options: RunPhoneOptions = {
    listen: { host: '127.0.0.1', port: 0 },
    transport: 'udp',
    callUri: null,
    audio: { kind: 'silence' },
    durationS: null,
    outFile: null,
  };

  it('calls, plays a WAV of another rate, and writes what it heard', async () => {
    const wav = join(directory, 'say.wav');
    const samples = Int16Array.from({ length: 16000 }, (_, n) =>
      Math.round(8000 * Math.sin((2 * Math.PI * 800 * n) / 16000)),
    );
    writeWav(wav, [samples], { clock: systemClock, sampleRateHz: 16000 });
    const callee = await createSoftphone({
      name: 'bob',
      host: '127.0.0.1',
      transport: 'udp',
      audio: tone({ hz: 1200 }),
      clock: systemClock,
      logger: noopLogger,
    });
    callee.onIncoming(answerAfter(0));
    const running = runPhone(
      {
        ...options,
        callUri: callee.uri,
        audio: { kind: 'wav', file: wav },
        durationS: 0.6,
        outFile: join(directory, 'heard.wav'),
      },
      new AbortController().signal,
      { print },
    );
    await waiters.until(() => callee.calls.length > 0 || lines.length > 1, 10_000, 'a call');
    const [taken] = callee.calls;
    expect(await running).toBe(0);
    await taken?.waitFor('ended');
    const heardThere = scanTones(
      taken?.heard().subarray(800, 3200) ?? new Int16Array(0),
      [800, 1200],
    );
    expect(heardThere.map(({ hz }) => hz)).toEqual([800, 800, 800]);
    const heardHere = readWav(join(directory, 'heard.wav')).channels[0] ?? new Int16Array(0);
    expect(scanTones(heardHere.subarray(800, 3200), [800, 1200]).map(({ hz }) => hz)).toEqual([
      1200, 1200, 1200,
    ]);
    expect(lineWith('ended by us')).toMatch(/0 lost$/);
    await callee.close();
  });

  it('returns 1 when nobody answers', async () => {
    const callee = await createSoftphone({
      name: 'bob',
      host: '127.0.0.1',
      transport: 'tcp',
      audio: tone({ hz: 1200 }),
      clock: systemClock,
      logger: noopLogger,
    });
    callee.onIncoming(rejectWith(486));
    const code = await runPhone(
      { ...options, transport: 'tcp', callUri: callee.uri },
      new AbortController().signal,
      { print },
    );
    expect(code).toBe(1);
    expect(lineWith('486')).toBeDefined();
    await callee.close();
  });

  it('answers calls until it is stopped, each with a file of its own', async () => {
    const stop = new AbortController();
    const running = runPhone(
      { ...options, audio: { kind: 'tone', hz: 600 }, outFile: join(directory, 'in.wav') },
      stop.signal,
      { print },
    );
    const uri = (await printed('waiting for calls')).replace('waiting for calls at ', '');
    const caller = await createSoftphone({
      name: 'alice',
      host: '127.0.0.1',
      transport: 'udp',
      audio: tone({ hz: 1000 }),
      clock: systemClock,
      logger: noopLogger,
    });
    const first = await caller.call(uri);
    await first.waitFor('answered');
    await first.hangUp();
    await printed('in.wav');
    const second = await caller.call(uri);
    await second.waitFor('answered');
    stop.abort();
    expect(await running).toBe(0);
    await second.waitFor('ended');
    expect(lineWith('in-2.wav')).toBeDefined();
    await caller.close();
  });
});

describe('runSrs()', () => {
  it('prints what happens and a table at the end', async () => {
    const stop = new AbortController();
    const running = runSrs(
      {
        listen: { host: '127.0.0.1', port: 0 },
        transports: ['tcp'],
        outDir: directory,
        misbehaviour: {},
      },
      stop.signal,
      { print },
    );
    const uri = (await printed('recording at')).replace('recording at ', '');
    const src = await HandMadeSrc.open('tcp');
    await src.invite(uri, { require: null });
    await printed('established');
    await src.send('BYE');
    await printed('ended (src-bye), 1 deviations: missing-require');
    stop.abort();
    expect(await running).toBe(0);
    expect(lines.at(-1)).toContain('sip:src@127.0.0.1');
    await src.close();
  });
});
