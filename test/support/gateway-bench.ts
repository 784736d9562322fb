import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadWithSources, parseConfig } from '#config';
import {
  CloseStack,
  type LogFields,
  type Logger,
  noopLogger,
  randomIds,
  type SrtpSuite,
  systemClock,
} from '#core';

import { type Gateway, startGateway } from '../../src/app';
import {
  answerAfter,
  createSoftphone,
  openPhoneExchange,
  type PcmSource,
  type PhoneCall,
  type PhoneExchange,
  type ReferenceSrs,
  type Softphone,
  type SoftphoneOptions,
  startReferenceSrs,
  tone,
} from '../../src/lab';
import { type LedgerLine } from '../../src/ledger';
import { createLogger, createMetrics } from '../../src/observability';
import { SettingsStore } from '../../src/settings-store';
import { waitUntil } from './wait-until';

const HOST = '127.0.0.1';

export interface GatewayBenchOptions {
  readonly transport?: 'udp' | 'tcp';
  /** SRS targets instead of the bench's own recorder. */
  readonly targets?: (srs: ReferenceSrs) => readonly string[];
  readonly srsAnswerTimeoutMs?: number;
  readonly backend?: 'auto' | 'linux' | 'dgram';
  /** More of the configuration's sections, laid over the bench's own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** More of the `sip` section. */
  readonly sip?: Readonly<Record<string, unknown>>;
  /** More of the provider `lab`. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** The provider's `media`. */
  readonly providerMedia?: Readonly<Record<string, unknown>>;
  /** More of the one route. */
  readonly route?: Readonly<Record<string, unknown>>;
  /** Mode of the user `alice`. */
  readonly mode?: 'always' | 'never';
  readonly recordedUsers?: readonly string[];
  /** Shorter session timers (RFC 4028) than an operator may have, s. */
  readonly minSessionExpiresS?: number;
  /** Phones keep every RTP datagram. */
  readonly capture?: boolean;
  /** Gets every warning of the gateway. */
  readonly onWarning?: (message: string, fields: LogFields) => void;
  /** The configuration is a file, which can be changed and loaded again; else it came from none. */
  readonly fromFile?: boolean;
  /** Where the callees' phones live; the bench closes it. By default one of its own. */
  readonly callees?: PhoneExchange;
}

/** The whole gateway in this process, a recorder, and phones. */
export interface GatewayBench {
  readonly gateway: Gateway;
  readonly srs: ReferenceSrs;
  readonly callers: PhoneExchange;
  readonly callees: PhoneExchange;
  /** With `fromFile`: where the configuration is; the overlay of the API is `gateway.overlay.yaml` beside it. */
  readonly configFile: string;
  /** With `fromFile`: writes the file again with other sections, and nothing more. */
  rewriteConfig(sections: Readonly<Record<string, unknown>>): void;
  /** With `fromFile`: what SIGHUP does. @throws ConfigError */
  reload(): Promise<void>;
  /** Where it takes SIP on 127.0.0.1. */
  readonly sipPort: number;
  /** @param srtp suite of the calls that it makes; it takes calls of either kind. */
  phone(
    side: 'caller' | 'callee',
    name: string,
    audio?: PcmSource,
    srtp?: SrtpSuite,
    codecs?: SoftphoneOptions['codecs'],
  ): Promise<Softphone>;
  /** URI of a user as the caller dials it. */
  uri(user: string): string;
  ledger(): readonly LedgerLine[];
  waitForLedger(lines: number, deadlineMs?: number): Promise<readonly LedgerLine[]>;
  /** Waits until the gateway holds nothing: calls, ports, dialogs, transactions, recordings. */
  expectNothingOpen(deadlineMs?: number): Promise<void>;
  metrics(): Promise<string>;
  close(): Promise<void>;
}

/** Starts everything on free ports. With DRACHTIO_HOST the gateway runs on that drachtio-server. */
export async function openGatewayBench(options: GatewayBenchOptions = {}): Promise<GatewayBench> {
  const parts = new CloseStack();
  const transport = options.transport ?? 'udp';
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  parts.push('folder', () => rmSync(folder, { recursive: true, force: true }));
  const lab = { clock: systemClock, logger: noopLogger, host: HOST };
  const srs = await startReferenceSrs({
    ...lab,
    port: 0,
    transports: ['tcp'],
    outDir: join(folder, 'srs'),
  });
  parts.push('srs', () => srs.close());
  const callers = await openPhoneExchange({ ...lab, transports: ['udp', 'tcp'] });
  parts.push('callers', () => callers.close());
  const callees =
    options.callees ?? (await openPhoneExchange({ ...lab, transports: ['udp', 'tcp'] }));
  parts.push('callees', () => callees.close());
  const ledgerFile = join(folder, 'ledger.jsonl');
  const calleePort = callees.endpoint.address(transport).port;
  const metrics = createMetrics({ processMetrics: false });
  const env = process.env;
  // For a look at what the gateway thinks: BENCH_LOG=/tmp/gateway.log.
  const logFile = env['BENCH_LOG'];
  const log = logFile === undefined ? null : createLogger({ level: 'debug', file: logFile });
  parts.push('log', () => log?.close());
  const drachtioHost = env['DRACHTIO_HOST'];
  const config = {
    sip: {
      ...(drachtioHost === undefined
        ? {
            listeners: [
              { transport: 'udp', host: HOST, port: 0 },
              { transport: 'tcp', host: HOST, port: 0 },
            ],
          }
        : {
            engine: 'drachtio',
            drachtio: {
              host: drachtioHost,
              port: Number(env['DRACHTIO_PORT'] ?? 9022),
              secret: env['DRACHTIO_SECRET'] ?? 'cymru',
            },
          }),
      ...options.sip,
    },
    media: { backend: options.backend ?? 'auto', portQuarantineMs: 50, ringSeconds: 24 },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: [
      {
        nextHops: [`sip:${HOST}:${calleePort};transport=${transport}`],
        kind: 'internal',
        trusted: true,
        ...options.route,
      },
    ],
    providers: {
      lab: {
        targets: options.targets?.(srs) ?? [srs.uri('tcp')],
        answerTimeoutMs: options.srsAnswerTimeoutMs ?? 5000,
        ...(options.providerMedia === undefined ? {} : { media: options.providerMedia }),
        ...options.provider,
      },
    },
    organisations: {
      test: {
        provider: 'lab',
        users: Object.fromEntries(
          (options.recordedUsers ?? ['alice']).map(name => [
            name,
            {
              identities: [`sip:${name}@${HOST}`],
              recording: { mode: options.mode ?? 'always' },
            },
          ]),
        ),
      },
    },
    ledger: { file: ledgerFile },
    admin: { enabled: false },
    ...options.config,
  };
  const configFile = join(folder, 'gateway.yaml');
  const rewriteConfig = (sections: Readonly<Record<string, unknown>>): void =>
    writeFileSync(configFile, JSON.stringify({ ...config, ...sections }));
  if (options.fromFile === true) {
    rewriteConfig({});
  }
  const logger =
    options.onWarning === undefined ? (log?.logger ?? noopLogger) : warningsOf(options.onWarning);
  const settings = new SettingsStore(
    options.fromFile === true
      ? loadWithSources({ file: configFile, env: {} })
      : parseConfig(JSON.stringify(config), 'bench'),
    { clock: systemClock, logger },
  );
  const { sip } = settings.current.config;
  const { minSessionExpiresS = sip.minSessionExpiresS } = options;
  const started = { ...settings.current.config, sip: { ...sip, minSessionExpiresS } };
  const gateway = await startGateway(started, {
    settings,
    clock: systemClock,
    ids: randomIds,
    logger,
    metrics,
    // A transaction without an answer gives up after 64·T1 = 3.2 s instead of 32 s.
    sipTimers: { t1Ms: 50, t2Ms: 400, t4Ms: 500 },
  });
  parts.push('gateway', () => gateway.close());
  const sipPort =
    gateway.listeners.find(listener => listener.transport === transport)?.port ??
    Number(env['DRACHTIO_SIP_PORT'] ?? 5060);
  const ledger = (): readonly LedgerLine[] =>
    readFileSync(ledgerFile, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as LedgerLine);
  return {
    gateway,
    srs,
    callers,
    callees,
    configFile,
    rewriteConfig,
    reload: async () => {
      await settings.reload();
    },
    sipPort,
    phone: (side, name, audio = tone({ hz: side === 'caller' ? 440 : 620 }), srtp, codecs) =>
      createSoftphone({
        ...lab,
        ...(srtp === undefined ? {} : { srtp }),
        ...(codecs === undefined ? {} : { codecs }),
        name,
        transport,
        audio,
        exchange: side === 'caller' ? callers : callees,
        capture: options.capture ?? false,
      }),
    uri: user => `sip:${user}@${HOST}:${sipPort};transport=${transport}`,
    ledger,
    waitForLedger: async (lines, deadlineMs = 30_000) => {
      await waitUntil(() => ledger().length >= lines, `${lines} ledger lines`, deadlineMs);
      return ledger();
    },
    expectNothingOpen: deadlineMs => expectNothingOpen(gateway, deadlineMs),
    metrics: () => metrics.registry.metrics(),
    close: async () => {
      await parts.close();
    },
  };
}

/** UDP transactions live on for retransmissions (RFC 3261 timers D, I, J, K), up to 32 s; they are not leaks. */
async function expectNothingOpen(
  gateway: Gateway,
  deadlineMs = process.env['DRACHTIO_HOST'] === undefined ? 30_000 : 40_000,
): Promise<void> {
  await waitUntil(
    async () => {
      const { calls, media, sip, engine } = await gateway.counters();
      const open = [
        calls,
        media.openCalls,
        media.openLegs,
        media.openRecordings,
        media.portsInUse,
        sip.calls,
        sip.dialogs,
        sip.pendingRequests,
        engine?.dialogs ?? 0,
      ];
      return open.every(count => count === 0);
    },
    'nothing is open in the gateway',
    deadlineMs,
  );
}

function warningsOf(warn: NonNullable<GatewayBenchOptions['onWarning']>): Logger {
  const logger: Logger = {
    ...noopLogger,
    warn: (message, fields = {}) => warn(message, fields),
    child: () => logger,
  };
  return logger;
}

/** A call that both sides have answered. */
export interface AnsweredCall {
  readonly outgoing: PhoneCall;
  readonly incoming: PhoneCall;
}

/** `caller` calls `callee`, who rings for `ringMs` and answers. */
export async function placeCall(
  bench: GatewayBench,
  caller: Softphone,
  callee: Softphone,
  options: {
    ringMs?: number;
    /** Of the INVITE. */
    headers?: Readonly<Record<string, string>>;
    /** Of the 200. */
    answerHeaders?: Readonly<Record<string, string>>;
  } = {},
): Promise<AnsweredCall> {
  const incoming = new Promise<PhoneCall>(resolve => {
    callee.onIncoming(waiting => {
      resolve(waiting.call);
      answerAfter(
        options.ringMs ?? 50,
        options.answerHeaders && { headers: options.answerHeaders },
      )(waiting);
    });
  });
  const outgoing = await caller.call(bench.uri(callee.name), {
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
  await outgoing.waitFor('answered');
  const answered = await incoming;
  await answered.waitFor('answered');
  return { outgoing, incoming: answered };
}

/** Waits until each side has received this many RTP packets. */
export async function talkFor(call: AnsweredCall, packets: number): Promise<void> {
  const received = (side: PhoneCall): number =>
    side.statistics().received.reduce((sum, source) => sum + source.packets, 0);
  const deadlineMs = packets * 20 * 3 + 60_000;
  await call.outgoing.until(
    () => received(call.outgoing) >= packets,
    deadlineMs,
    'rtp at the caller',
  );
  await call.incoming.until(
    () => received(call.incoming) >= packets,
    deadlineMs,
    'rtp at the callee',
  );
}

export async function hangUp(call: AnsweredCall): Promise<void> {
  await call.outgoing.hangUp();
  await call.incoming.waitFor('ended');
}

/** Runs something on a bench, which must hold nothing afterwards; closes it in any case. */
export async function withBench(
  options: GatewayBenchOptions,
  run: (bench: GatewayBench) => Promise<void>,
): Promise<void> {
  const bench = await openGatewayBench(options);
  try {
    await run(bench);
    await bench.expectNothingOpen();
  } finally {
    await bench.close();
  }
}
