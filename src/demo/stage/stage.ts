import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseConfig } from '#config';
import { type Clock, CloseStack, errorMessage, randomIds } from '#core';

import { type Gateway, startGateway } from '../../app';
import {
  answerAfter,
  type CallOptions,
  createSoftphone,
  type IncomingCallHandler,
  type PhoneCall,
  type Softphone,
  tone,
} from '../../lab';
import { createLogger, createMetrics, type GatewayMetrics } from '../../observability';
import { type Scenario } from '../scenario';
import { collectEvidence, type Evidence, writeHeard } from './evidence';
import { type Secrets } from '../proof/secrets';
import {
  ALICE,
  BOB,
  type DemoParty,
  HOST,
  type PhoneSpec,
  type Places,
  type StageCredentials,
} from './places';
import { stageConfig } from './stage-config';
import { StagePki } from './stage-pki';
import { startStageSrs, type StageSrs } from './stage-srs';
import { openWebhookSink } from './webhook-sink';

const TONE_LEVEL_DBFS = -12;
const RING_MS = 200;
const DEADLINE_MS = 10_000;
const DEFAULT_PHONES: readonly PhoneSpec[] = [{ party: ALICE }, { party: BOB }];

export interface StageOptions {
  readonly outDir: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told what happens, with the time of the call in ms. */
  readonly tell: (atMs: number | null, what: string) => void;
}

/** Two ends of a call that stands. */
export interface StageCall {
  readonly caller: PhoneCall;
  readonly callee: PhoneCall;
}

export interface PlaceCallOptions extends CallOptions {
  /** Default: it rings for a moment, then answers. */
  readonly answer?: IncomingCallHandler;
  /** Default: the phone of that name, at the gateway. */
  readonly user?: string;
}

/** A scenario's gateway, recorders and phones, and its time: 0 is the answer of its first call. */
export class Stage {
  readonly outDir: string;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly pki: StagePki;
  /** Figures worth printing, e.g. seconds lost. */
  readonly figures: Record<string, string> = {};
  readonly #options: StageOptions;
  readonly #phones: ReadonlyMap<string, Softphone>;
  readonly #srs: readonly StageSrs[];
  readonly #gateway: Gateway;
  readonly #credentials: StageCredentials;
  readonly #calls: {
    readonly party: DemoParty;
    readonly file: string;
    readonly call: PhoneCall;
  }[] = [];
  #zeroMs: number | null = null;

  /** @internal Use openStage(). */
  constructor(
    options: StageOptions,
    parts: {
      phones: ReadonlyMap<string, Softphone>;
      srs: readonly StageSrs[];
      gateway: Gateway;
      metrics: GatewayMetrics;
      credentials: StageCredentials;
      pki: StagePki;
    },
  ) {
    this.#options = options;
    this.outDir = options.outDir;
    this.clock = options.clock;
    this.metrics = parts.metrics;
    this.#phones = parts.phones;
    this.#srs = parts.srs;
    this.#gateway = parts.gateway;
    this.#credentials = parts.credentials;
    this.pki = parts.pki;
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  get recorders(): readonly StageSrs[] {
    return this.#srs;
  }

  /** When the first call was answered, ms since the epoch. @throws before that. */
  get zeroMs(): number {
    if (this.#zeroMs === null) {
      throw new Error('no call was answered yet');
    }
    return this.#zeroMs;
  }

  /** Of a call that is never answered: its time begins now. */
  startClock(): void {
    this.#zeroMs ??= this.clock.wallNowMs();
  }

  /** When the phone that was called first answered, ms of the call: before 0, by as much as the answer took. */
  get firstAnswerMs(): number {
    const answered = this.#calls.flatMap(({ call }) => call.times.answeredAtMs ?? []);
    return Math.min(0, ...answered.map(atMs => atMs - this.zeroMs));
  }

  /** Time of the call, ms. */
  nowMs(): number {
    return this.clock.wallNowMs() - this.zeroMs;
  }

  srs(name: string): StageSrs {
    const found = this.#srs.find(srs => srs.name === name);
    if (found === undefined) {
      throw new Error(`there is no recorder ${name}`);
    }
    return found;
  }

  phone(party: DemoParty): Softphone {
    const found = this.#phones.get(party.name);
    if (found === undefined) {
      throw new Error(`there is no phone ${party.name}`);
    }
    return found;
  }

  /** Where a phone sends what is meant for a user: the gateway. */
  uriOf(user: string): string {
    const listener = this.#gateway.listeners.find(({ transport }) => transport === 'udp');
    return `sip:${user}@${HOST}:${listener?.port ?? 0};transport=udp`;
  }

  tell(what: string): void {
    this.#options.tell(this.#zeroMs === null ? null : this.nowMs(), what);
  }

  /** A call that is answered. @throws LabError when it is not. */
  async call(from: DemoParty, to: DemoParty, options: PlaceCallOptions = {}): Promise<StageCall> {
    const answered = this.nextCallOf(to, options.answer);
    const caller = await this.dial(from, options.user ?? to.name, options);
    await caller.waitFor('answered', DEADLINE_MS);
    const callee = await answered;
    this.#zeroMs ??= caller.times.answeredAtMs;
    this.tell(`${to.name} has answered`);
    return { caller, callee };
  }

  /** Calls a user, whatever comes of it. */
  async dial(from: DemoParty, user: string, options: CallOptions = {}): Promise<PhoneCall> {
    this.tell(`${from.name} calls ${user}`);
    const call = await this.phone(from).call(this.uriOf(user), options);
    this.#keep(from, call, 'caller');
    return call;
  }

  /** The next call that reaches a phone, as soon as it does. It answers unless told otherwise. */
  nextCallOf(
    party: DemoParty,
    answer: IncomingCallHandler = answerAfter(RING_MS),
  ): Promise<PhoneCall> {
    return new Promise(resolve => {
      this.phone(party).onIncoming(incoming => {
        this.#keep(party, incoming.call, 'callee');
        resolve(incoming.call);
        answer(incoming);
      });
    });
  }

  /** Lets time pass until that time of the call, ms. @throws when the run is aborted. */
  async until(atMs: number): Promise<void> {
    await this.pause(Math.max(0, atMs - this.nowMs()));
  }

  async pause(durationMs: number): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        timer.cancel();
        reject(new Error('stopped'));
      };
      const timer = this.clock.setTimer(durationMs, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) {
        stop();
      }
    });
  }

  /** Waits until something is so. @throws when it is not in time. */
  async waitUntil(
    isSo: () => boolean | Promise<boolean>,
    what: string,
    deadlineMs = DEADLINE_MS,
  ): Promise<void> {
    const deadline = this.clock.monotonicMs() + deadlineMs;
    while (!(await isSo())) {
      if (this.clock.monotonicMs() > deadline) {
        throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
      }
      await this.pause(20);
    }
  }

  /** Hangs up, waits until both ends know. @returns the time of the call, ms. */
  async hangUp(call: StageCall, who: 'caller' | 'callee' = 'caller'): Promise<number> {
    const atMs = this.nowMs();
    this.tell(`the ${who} hangs up`);
    await call[who].hangUp();
    await Promise.all([call.caller, call.callee].map(end => end.waitFor('ended', DEADLINE_MS)));
    return atMs;
  }

  /**
   * Waits until everything has ended; writes and reads the evidence.
   * @param options.isOneMute a recorder answers nothing any more: SIP goes on asking it for 32 s (RFC 3261 §17), which
   *   is not waited for.
   */
  async evidence(options: { isOneMute?: boolean } = {}): Promise<Evidence> {
    await this.waitUntil(
      () => this.#gateway.openCalls() === 0,
      'the gateway to finish its calls',
      30_000,
    );
    // The token is used: a gateway that noted it down would be caught.
    await this.api('/v1/calls');
    writeHeard(this.outDir, this.#calls, this.zeroMs, this.clock);
    return collectEvidence(this, options.isOneMute ?? false);
  }

  /** Everything of this run that must stand in nothing that is written. */
  get secrets(): Secrets {
    const calls = this.#calls.map(({ call }) => call);
    const recordings = this.#srs.flatMap(({ inProcess }) => inProcess?.recordings ?? []);
    const { apiToken, webhookSecret } = this.#credentials;
    return {
      srtpKeys: [...calls, ...recordings].flatMap(({ srtpKeys }) => srtpKeys),
      tokens: [apiToken, webhookSecret],
      digits: calls.flatMap(({ digits, sentDigits }) => [digits, sentDigits]),
    };
  }

  /** Asks the gateway's API as an operator does. @param post what is sent; absent: GET. @returns status and body. */
  async api(
    path: string,
    post?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const { admin } = this.#gateway;
    const authorization = { Authorization: `Bearer ${this.#credentials.apiToken}` };
    const response = await fetch(`http://${HOST}:${admin?.port ?? 0}${path}`, {
      ...(post === undefined
        ? { headers: authorization }
        : {
            method: 'POST',
            headers: { ...authorization, 'content-type': 'application/json' },
            body: JSON.stringify(post),
          }),
    });
    return {
      status: response.status,
      body: response.status === 204 ? null : await response.json(),
    };
  }

  /** What a party heard in its n-th call (0-based), from time 0 of the stage on; mono PCM16, 8 kHz. */
  heard(call: PhoneCall): Int16Array {
    return call.heard(this.zeroMs);
  }

  #keep(party: DemoParty, call: PhoneCall, role: 'caller' | 'callee'): void {
    const isFirst = !this.#calls.some(({ file }) => file.startsWith(role));
    const number = this.#calls.filter(kept => kept.party === party).length;
    const file = isFirst ? role : number === 0 ? party.name : `${party.name}-${number + 1}`;
    this.#calls.push({ party, file: `${file}-heard.wav`, call });
  }
}

/**
 * Opens a scenario's stage, plays, and closes it again.
 * @throws when a part cannot start, or what `play` throws.
 */
export async function onStage<T>(
  scenario: Scenario,
  options: StageOptions,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const parts = new CloseStack();
  try {
    return await play(await openStage(scenario, options, parts));
  } finally {
    for (const error of await parts.close()) {
      options.tell(null, `not closed: ${errorMessage(error.cause ?? error)}`);
    }
  }
}

async function openStage(
  scenario: Scenario,
  options: StageOptions,
  parts: CloseStack,
): Promise<Stage> {
  const { outDir, clock } = options;
  mkdirSync(outDir, { recursive: true });
  const log = createLogger({ level: 'debug', file: join(outDir, 'gateway.log') });
  parts.push('log', () => log.close());
  const pki = new StagePki(clock);
  parts.push('certificates', () => pki.close());
  const srs: StageSrs[] = [];
  const { srs: specs = [{ name: 'srs' }] } = scenario;
  for (const spec of typeof specs === 'function' ? specs(pki) : specs) {
    const started = await startStageSrs(spec, { outDir: join(outDir, 'srs', spec.name), clock });
    parts.push(`recorder ${spec.name}`, () => started.close());
    srs.push(started);
  }
  const phoneSpecs = scenario.phones ?? DEFAULT_PHONES;
  const phones = new Map<string, Softphone>();
  for (const { party, options: own } of phoneSpecs) {
    const phone = await createSoftphone({
      name: party.name,
      displayName: party.displayName,
      host: HOST,
      transport: 'udp',
      audio: tone({ hz: party.toneHz, levelDbfs: TONE_LEVEL_DBFS }),
      // What a phone sent is compared with what is heard of it.
      capture: true,
      clock,
      logger: log.logger,
      ...own,
    });
    parts.push(party.name, () => phone.close());
    phones.set(party.name, phone);
  }
  const sink = await openWebhookSink(join(outDir, 'webhooks.jsonl'));
  parts.push('webhooks', () => sink.close());
  const credentials: StageCredentials = {
    apiToken: randomBytes(24).toString('hex'),
    webhookSecret: randomBytes(24).toString('hex'),
    webhookUrl: sink.url,
  };
  const places: Places = {
    outDir,
    credentials,
    pki,
    srsUris: srs.map(({ uri }) => uri),
    nextHops: Object.fromEntries(
      [...phones].map(([name, { uri }]) => [name, uri.replace(/^sip:[^@]*@/, 'sip:')]),
    ),
  };
  const text = stageConfig(phoneSpecs, places, scenario.config?.(places) ?? {});
  const shown = [credentials.apiToken, credentials.webhookSecret].reduce(
    (written, secret) => written.replaceAll(secret, '********'),
    JSON.stringify(JSON.parse(text), null, 2),
  );
  writeFileSync(join(outDir, 'gateway.json'), `${shown}\n`);
  const metrics = createMetrics({ processMetrics: false });
  const gateway = await startGateway(parseConfig(text, scenario.name), {
    clock,
    ids: randomIds,
    logger: log.logger,
    metrics,
  });
  parts.push('gateway', () => gateway.close());
  return new Stage(options, { phones, srs, gateway, metrics, credentials, pki });
}
