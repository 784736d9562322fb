import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import { readWav, type ReferenceSrs, startReferenceSrs } from '../../src/lab';
import {
  type BaresipOptions,
  type BaresipPhone,
  describeWithBaresip,
  startBaresip,
} from '../support/baresip';
import { freeUdpPort } from '../support/free-port';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';
import { expectOnlyTone } from '../support/sipp-bench';
import { TestCa } from '../support/test-ca';

const CALLER_HZ = 500;
const CALLEE_HZ = 900;
const TALK_MS = 2000;
const TALK_PACKETS = TALK_MS / 20;

type Transport = BaresipOptions['transport'];

/** How a phone is called, and how it is reached; `srtp`: over TLS, with its media under SDES keys. */
const PHONES = {
  udp: { user: '2002', transport: 'udp', srtp: false },
  tcp: { user: '2003', transport: 'tcp', srtp: false },
  tls: { user: '2004', transport: 'tls', srtp: false },
  srtp: { user: '2005', transport: 'tls', srtp: true },
} as const satisfies Readonly<
  Record<string, { user: string; transport: Transport; srtp: boolean }>
>;
type Way = keyof typeof PHONES;
const WAYS = ['udp', 'tcp', 'tls', 'srtp'] as const satisfies readonly Way[];

describeWithBaresip('a recorded call between two baresip phones', () => {
  let folder: string;
  let ca: TestCa;
  let phoneTls: NonNullable<BaresipOptions['tls']>;
  let srs: ReferenceSrs;
  let gateway: GatewayProcess;
  const phones: BaresipPhone[] = [];
  let calleePorts: Readonly<Record<Way, number>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baresip-'));
    ca = new TestCa();
    phoneTls = { ...ca.issue(['IP:127.0.0.1']), caPath: ca.certPath };
    srs = await startReferenceSrs({
      host: '127.0.0.1',
      port: 0,
      transports: ['tcp', 'tls'],
      listenerTls: {
        ...ca.issue(['DNS:srs.example.com']),
        ca: ca.cert,
        requestClientCert: 'require',
      },
      outDir: join(folder, 'srs'),
      clock: systemClock,
      logger: noopLogger,
    });
    calleePorts = {
      udp: await freeUdpPort(),
      tcp: await freeUdpPort(),
      tls: await freeUdpPort(),
      srtp: await freeUdpPort(),
    };
    gateway = await startGatewayProcess(config(srs, calleePorts, ca));
  }, 60_000);

  afterAll(async () => {
    expect(await gateway.stop()).toBe(0);
    await srs.close();
    ca.close();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await Promise.all(phones.splice(0).map(phone => phone.quit()));
  });

  async function start(options: Omit<BaresipOptions, 'folder'>): Promise<BaresipPhone> {
    const phone = await startBaresip({ ...options, folder: mkdtempSync(join(folder, 'phone-')) });
    phones.push(phone);
    return phone;
  }

  test.each(WAYS)(
    'is heard by both phones and by the recorder, through a hold, over %s',
    async way => {
      const { user, transport, srtp } = PHONES[way];
      const callee = await start({
        user,
        transport,
        ...(transport === 'tls' ? { tls: phoneTls } : {}),
        sipPort: calleePorts[way],
        srtp,
        toneHz: CALLEE_HZ,
        answersItself: true,
      });
      const caller = await start({
        user: '1001',
        transport,
        ...(transport === 'tls' ? { tls: phoneTls } : {}),
        sipPort: await freeUdpPort(),
        srtp,
        toneHz: CALLER_HZ,
      });
      const lines = gateway.ledger().length;

      caller.command(
        'dial',
        `sip:${user}@127.0.0.1:${gateway.port(transport)};transport=${transport}`,
      );
      await caller.waitForOutput(/Call established/);
      const recording = await srs.waitForRecording(({ number }) => number === lines + 1);
      const recorded = (count: number): Promise<void> =>
        recording.until(() => {
          const { streams } = recording;
          return streams.length === 2 && streams.every(({ packets }) => packets >= count);
        });
      await recorded(TALK_PACKETS / 2);
      caller.command('hold');
      await callee.waitForOutput(descriptions(2));
      caller.command('resume');
      await callee.waitForOutput(descriptions(3));
      await recorded(TALK_PACKETS);
      caller.command('hangup');
      await callee.waitForOutput(/session closed|terminated/i);
      await Promise.all([caller.quit(), callee.quit()]);

      const line = (await gateway.waitForLedger(lines + 1)).at(-1)!;
      expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
      // The recording is protected as its call is.
      const suite = srtp ? 'AES_CM_128_HMAC_SHA1_80' : null;
      expect(line.streams.map(({ cryptoSuite }) => cryptoSuite)).toEqual([suite, suite]);
      expect(recording.streams.map(({ unauthentic }) => unauthentic)).toEqual([0, 0]);
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
      const { channels } = readWav(recording.wavPath);
      // The callee is the recorded party: label 1.
      expectOnlyTone(channels[0]!, CALLEE_HZ, CALLER_HZ, TALK_MS * 0.8);
      expectOnlyTone(channels[1]!, CALLER_HZ, CALLEE_HZ, TALK_MS * 0.8);
      // A dump is named after its second: a later one of the same second takes its place.
      expectOnlyTone(heardBy(caller), CALLEE_HZ, CALLER_HZ, TALK_MS / 4);
      expectOnlyTone(heardBy(callee), CALLER_HZ, CALLEE_HZ, TALK_MS / 4);
    },
    60_000,
  );
});

/** A phone prints this for each description that it has agreed on: the call, the hold, the end of the hold. */
function descriptions(count: number): RegExp {
  return new RegExp(`(stream: update 'audio'[^]*){${count}}`);
}

function heardBy(phone: BaresipPhone): Int16Array {
  return Int16Array.from(
    phone.heardWavs().flatMap(path => Array.from(readWav(path).channels[0] ?? [])),
  );
}

function config(
  srs: ReferenceSrs,
  calleePorts: Readonly<Record<Way, number>>,
  ca: TestCa,
): Readonly<Record<string, unknown>> {
  const own = ca.issue(['IP:127.0.0.1']);
  const client = ca.issue([], 'gateway');
  const srsPeer = /127\.0\.0\.1:\d+/.exec(srs.uri('tls'))?.[0] ?? '';
  return {
    sip: {
      listeners: [
        { transport: 'udp', host: '127.0.0.1', port: 0 },
        { transport: 'tcp', host: '127.0.0.1', port: 0 },
        {
          transport: 'tls',
          host: '127.0.0.1',
          port: 0,
          tls: { cert: own.certPath, key: own.keyPath },
        },
      ],
      tls: {
        ca: ca.certPath,
        peers: {
          [srsPeer]: {
            ca: ca.certPath,
            cert: client.certPath,
            key: client.keyPath,
            serverName: 'srs.example.com',
          },
        },
      },
    },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: WAYS.map(way => {
      const { user, transport } = PHONES[way];
      const port = calleePorts[way] + (transport === 'tls' ? 1 : 0);
      return {
        match: { user },
        nextHops: [`sip:127.0.0.1:${port};transport=${transport}`],
        kind: 'internal',
        trusted: true,
      };
    }),
    providers: { plain: { targets: [srs.uri('tcp')] }, secure: { targets: [srs.uri('tls')] } },
    organisations: {
      plain: {
        provider: 'plain',
        users: {
          bob: { identities: [PHONES.udp.user, PHONES.tcp.user], recording: { mode: 'always' } },
        },
      },
      secure: {
        provider: 'secure',
        users: {
          carol: { identities: [PHONES.tls.user, PHONES.srtp.user], recording: { mode: 'always' } },
        },
      },
    },
    admin: { enabled: false },
  };
}
