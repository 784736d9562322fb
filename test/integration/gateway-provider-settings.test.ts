import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import { type Recording, type ReferenceSrs, startReferenceSrs } from '../../src/lab';
import { type LedgerLine } from '../../src/ledger';
import { hangUp, placeCall, talkFor, withBench } from '../support/gateway-bench';
import { describeOnEmbedded } from '../support/on-embedded';
import { TestCa } from '../support/test-ca';

const HOST = '127.0.0.1';
const SERVER_NAME = 'srs.example.com';

let folder: string;
let ca: TestCa;
let srs: ReferenceSrs;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'provider-'));
  ca = new TestCa();
  srs = await startReferenceSrs({
    host: HOST,
    port: 0,
    transports: ['tls'],
    // Its certificate is for a name, not for its address; who connects has to show one, too.
    listenerTls: {
      ...ca.issue([`DNS:${SERVER_NAME}`]),
      ca: ca.cert,
      requestClientCert: 'require',
    },
    outDir: folder,
    clock: systemClock,
    logger: noopLogger,
  });
});

afterAll(async () => {
  await srs.close();
  ca.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A call of alice, whose provider has these TLS settings beside the CA; the gateway itself has none. */
async function callWith(tls: Readonly<Record<string, string>>): Promise<LedgerLine> {
  const own = ca.issue([`IP:${HOST}`]);
  const listener = { transport: 'tls', host: HOST, port: 0 };
  let line: LedgerLine | undefined;
  await withBench(
    {
      targets: () => [srs.uri('tls')],
      provider: {
        tls: { ca: ca.certPath, ...tls },
        signalling: {
          extraHeaders: {
            'X-Recording': '{callId}/{recordingId}',
            'X-User': '{userId} of {organisationId}',
            'X-Platform': '{serviceProvider}|{externalGroup}|{externalIdentifier}',
            'X-Plain': 'as it {is',
          },
        },
      },
      config: {
        sip: {
          listeners: [
            { transport: 'udp', host: HOST, port: 0 },
            { ...listener, tls: { cert: own.certPath, key: own.keyPath } },
          ],
        },
        organisations: {
          test: {
            provider: 'lab',
            serviceProvider: 'SP 1',
            externalGroup: 'group-7',
            users: {
              alice: {
                identities: [`sip:alice@${HOST}`],
                externalIdentifier: 'alice@platform.example.com',
                recording: { mode: 'always' },
              },
            },
          },
        },
      },
    },
    async bench => {
      const caller = await bench.phone('caller', 'alice');
      const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
      await talkFor(call, 40);
      await hangUp(call);
      [line] = await bench.waitForLedger(1);
    },
  );
  return line!;
}

/** The first INVITE as it came. */
function inviteOf({ directory }: Recording): string {
  const sip = join(directory, 'sip');
  return readFileSync(join(sip, readdirSync(sip).sort()[0]!), 'latin1');
}

function header(message: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?)\\r$`, 'm').exec(message)?.[1];
}

jest.setTimeout(60_000);

// A drachtio-server has TLS settings of its own.
describeOnEmbedded('TLS settings and headers of a provider', () => {
  test('CA, client certificate and server name open the way to its recorder; headers are filled in for each recording', async () => {
    const client = ca.issue([], 'gateway');
    const line = await callWith({
      cert: client.certPath,
      key: client.keyPath,
      serverName: SERVER_NAME,
    });
    expect(line).toMatchObject({ verdict: 'recorded', srsAttempts: [{ result: 'established' }] });
    const recording = await srs.waitForRecording(({ state }) => state === 'ended');
    expect(recording.deviations).toEqual([]);
    const invite = inviteOf(recording);
    expect(header(invite, 'Via')).toMatch(/^SIP\/2\.0\/TLS /);
    expect(header(invite, 'X-Recording')).toBe(`${line.callId}/${line.recordingId}`);
    expect(header(invite, 'X-User')).toBe('alice of test');
    expect(header(invite, 'X-Platform')).toBe('SP 1|group-7|alice@platform.example.com');
    expect(header(invite, 'X-Plain')).toBe('as it {is');
  });

  test.each([
    ['without a certificate of ours', () => ({ serverName: SERVER_NAME })],
    [
      'with the name of another server',
      () => {
        const client = ca.issue([], 'gateway');
        return { cert: client.certPath, key: client.keyPath, serverName: 'other.example.com' };
      },
    ],
  ])('%s its recorder gets nothing, and the ledger says that it failed', async (_, tls) => {
    const before = srs.recordings.length;
    const line = await callWith(tls());
    expect(line).toMatchObject({
      verdict: 'failed',
      verdictReasons: ['srs-silent'],
      srsAttempts: expect.arrayContaining([
        expect.objectContaining({ result: 'REC_ERR_SIP_SRS_UNREACHABLE' }),
      ]) as unknown,
    });
    expect(srs.recordings).toHaveLength(before);
  });
});
