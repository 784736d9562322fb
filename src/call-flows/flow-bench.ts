import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '#config';
import { CloseStack, noopLogger, randomIds, systemClock } from '#core';
import { type Gateway, startGateway } from '../app';
import {
  answerAfter,
  createSoftphone,
  openPhoneExchange,
  type PhoneCall,
  type Recording,
  type ReferenceSrs,
  type Softphone,
  type SrsBehaviour,
  startReferenceSrs,
  tone,
} from '../lab';
import { createMetrics } from '../observability';
import { Trace } from './trace';

const HOST = '127.0.0.1';
const DEADLINE_MS = 20_000;
/** Nothing more comes after this much silence. */
const QUIET_MS = 120;
const TONE_HZ = { alice: 440, bob: 620, carol: 800 };

export type PhoneName = keyof typeof TONE_HZ;
export type RecorderName = 'SRS' | 'SRS2';

/** What one flow needs; everything runs on loopback. */
export interface FlowSetup {
  readonly phones: readonly PhoneName[];
  readonly recorders: readonly RecorderName[];
  readonly recorded: PhoneName;
  /** How the recorded user is recorded. */
  readonly mode?: string;
  readonly refer?: 'pass' | 'perform';
  /** How the first recorder behaves. */
  readonly behaviour?: SrsBehaviour;
  readonly failureBehaviour?: string;
  /** A provider profile; its recorder wants no terms accepted. Default: what the standard says. */
  readonly profile?: string;
}

export interface AnsweredCall {
  readonly outgoing: PhoneCall;
  readonly incoming: PhoneCall;
}

/** The gateway, phones and recorders of one flow, all of them listened in on. */
export interface FlowBench {
  readonly trace: Trace;
  phone(name: PhoneName): Softphone;
  srs(name: RecorderName): ReferenceSrs;
  /** How a phone dials another one through the gateway. */
  uri(callee: PhoneName): string;
  /** A call that rings for a moment and is answered. */
  call(from: PhoneName, to: PhoneName): Promise<AnsweredCall>;
  /** The newest recording of a recorder, once packets of both streams are there. */
  recording(name?: RecorderName): Promise<Recording>;
  /** A remark in the ladder, after everything that is still under way. */
  note(text: string): Promise<void>;
  /** Waits until no more messages come. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** @throws when a part cannot start. */
export async function openFlowBench(setup: FlowSetup): Promise<FlowBench> {
  const parts = new CloseStack();
  try {
    return await build(setup, parts);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function build(setup: FlowSetup, parts: CloseStack): Promise<FlowBench> {
  const folder = mkdtempSync(join(tmpdir(), 'call-flows-'));
  parts.push('folder', () => rmSync(folder, { recursive: true, force: true }));
  const lab = { clock: systemClock, logger: noopLogger, host: HOST };
  const trace = new Trace(() => systemClock.monotonicMs());
  const recorders = new Map<RecorderName, ReferenceSrs>();
  for (const [index, name] of setup.recorders.entries()) {
    const srs = await startReferenceSrs({
      ...lab,
      port: 0,
      transports: ['tcp'],
      outDir: join(folder, name),
      ...(index === 0 && setup.behaviour !== undefined ? { behaviour: setup.behaviour } : {}),
      tap: (way, bytes) => trace.add(name, way, bytes),
    });
    parts.push(name, () => srs.close());
    recorders.set(name, srs);
  }
  const phones = new Map<PhoneName, Softphone>();
  for (const name of setup.phones) {
    const exchange = await openPhoneExchange({
      ...lab,
      transports: ['udp'],
      tap: (way, bytes) => trace.add(name, way, bytes),
    });
    parts.push(`sockets of ${name}`, () => exchange.close());
    const audio = tone({ hz: TONE_HZ[name] });
    const phone = await createSoftphone({ ...lab, name, transport: 'udp', audio, exchange });
    parts.push(name, () => phone.close());
    phones.set(name, phone);
  }
  const gateway = await start(setup, phones, recorders, join(folder, 'ledger.jsonl'));
  parts.push('gateway', () => gateway.close());
  const port = gateway.listeners.find(({ transport }) => transport === 'udp')?.port ?? 0;
  return new RunningBench(trace, phones, recorders, port, parts);
}

function start(
  setup: FlowSetup,
  phones: ReadonlyMap<PhoneName, Softphone>,
  recorders: ReadonlyMap<RecorderName, ReferenceSrs>,
  ledgerFile: string,
): Promise<Gateway> {
  const config = {
    sip: {
      listeners: ['udp', 'tcp'].map(transport => ({ transport, host: HOST, port: 0 })),
      refer: setup.refer ?? 'pass',
    },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: [...phones].map(([name, phone]) => ({
      match: { user: name },
      nextHops: [phone.uri.replace(/^sip:[^@]*@/, 'sip:')],
      kind: 'internal',
      trusted: true,
    })),
    providers: {
      lab: {
        targets: [...recorders.values()].map(srs => srs.uri('tcp')),
        ...(setup.profile === undefined ? {} : { profile: setup.profile, termsOfService: 'none' }),
      },
    },
    organisations: {
      example: {
        provider: 'lab',
        ...(setup.failureBehaviour === undefined
          ? {}
          : { failureBehaviour: { always: setup.failureBehaviour } }),
        users: {
          [setup.recorded]: {
            identities: [`sip:${setup.recorded}@${HOST}`],
            recording: { mode: setup.mode ?? 'always', reminderTone: { enabled: false } },
          },
        },
      },
    },
    ledger: { file: ledgerFile },
    admin: { enabled: false },
  };
  return startGateway(parseConfig(JSON.stringify(config), 'call flow'), {
    clock: systemClock,
    ids: randomIds,
    logger: noopLogger,
    metrics: createMetrics({ processMetrics: false }),
  });
}

class RunningBench implements FlowBench {
  constructor(
    readonly trace: Trace,
    private readonly phones: ReadonlyMap<PhoneName, Softphone>,
    private readonly recorders: ReadonlyMap<RecorderName, ReferenceSrs>,
    private readonly port: number,
    private readonly parts: CloseStack,
  ) {}

  phone(name: PhoneName): Softphone {
    return present(this.phones.get(name), name);
  }

  srs(name: RecorderName): ReferenceSrs {
    return present(this.recorders.get(name), name);
  }

  uri(callee: PhoneName): string {
    return `sip:${callee}@${HOST}:${this.port}`;
  }

  async call(from: PhoneName, to: PhoneName): Promise<AnsweredCall> {
    const arrived = new Promise<PhoneCall>(resolve => {
      this.phone(to).onIncoming(waiting => {
        resolve(waiting.call);
        answerAfter(QUIET_MS)(waiting);
      });
    });
    const outgoing = await this.phone(from).call(this.uri(to));
    await outgoing.waitFor('answered', DEADLINE_MS);
    const incoming = await arrived;
    await incoming.waitFor('answered', DEADLINE_MS);
    await this.quiet();
    return { outgoing, incoming };
  }

  async recording(name: RecorderName = 'SRS'): Promise<Recording> {
    const srs = this.srs(name);
    await srs.waitForRecording(({ state }) => state === 'established', DEADLINE_MS);
    const recording = present(srs.recordings.at(-1), `a recording of ${name}`);
    await recording.until(
      () => recording.streams.length > 0 && recording.streams.every(({ packets }) => packets > 5),
      DEADLINE_MS,
      'packets at the recorder',
    );
    await this.quiet();
    return recording;
  }

  async note(text: string): Promise<void> {
    await this.quiet();
    this.trace.note(text);
  }

  async quiet(): Promise<void> {
    const from = systemClock.monotonicMs();
    for (;;) {
      const silentMs = systemClock.monotonicMs() - Math.max(from, this.trace.lastAtMs);
      if (silentMs >= QUIET_MS) {
        return;
      }
      await new Promise<void>(resolve => {
        systemClock.setTimer(QUIET_MS - silentMs, resolve);
      });
    }
  }

  async close(): Promise<void> {
    await this.parts.close();
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new Error(`${what} is not part of this flow`);
  }
  return value;
}
