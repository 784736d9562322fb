import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { noopLogger, systemClock } from '#core';

import {
  answerAfter,
  createSoftphone,
  type ReferenceSrs,
  type Softphone,
  startReferenceSrs,
  tone,
} from '../../src/lab';
import { type LedgerRecord } from '../../src/ledger';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';
import { waitUntil } from '../support/wait-until';

const HOST = '127.0.0.1';
const MAIN = resolve(__dirname, '../../dist/src/main.js');
const LAB = { host: HOST, clock: systemClock, logger: noopLogger };
const USERS = ['bob', 'carol'];

describe('a gateway that is killed in mid-call', () => {
  let home: string;
  let srs: ReferenceSrs;
  const phones: Softphone[] = [];

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'killed-'));
    srs = await startReferenceSrs({
      ...LAB,
      port: 0,
      transports: ['tcp'],
      outDir: join(home, 'srs'),
    });
  });
  afterAll(async () => {
    await Promise.all(phones.map(phone => phone.close()));
    await srs.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function phone(name: string): Promise<Softphone> {
    const made = await createSoftphone({
      ...LAB,
      name,
      transport: 'udp',
      audio: tone({ hz: 440 }),
    });
    phones.push(made);
    return made;
  }

  function config(nextHop: string): Record<string, unknown> {
    return {
      sip: {
        listeners: [
          { transport: 'udp', host: HOST, port: 0 },
          { transport: 'tcp', host: HOST, port: 0 },
        ],
      },
      trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
      routes: [{ nextHops: [nextHop], kind: 'internal' }],
      providers: { lab: { targets: [srs.uri('tcp')] } },
      organisations: {
        e2e: {
          provider: 'lab',
          users: Object.fromEntries(
            USERS.map(name => [
              name,
              { identities: [`sip:${name}@${HOST}`], recording: { mode: 'always' } },
            ]),
          ),
        },
      },
      ledger: { checkpointIntervalS: 1 },
      admin: { port: 0 },
    };
  }

  /** The newest record of each recording in the journal. */
  function journal(): LedgerRecord[] {
    const file = join(home, 'ledger.jsonl.journal');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const last = new Map<string, LedgerRecord>();
    for (const line of text.split('\n').slice(0, -1)) {
      const { record } = JSON.parse(line) as { record?: LedgerRecord };
      if (record !== undefined) {
        last.set(record.recordingId, record);
      }
    }
    return [...last.values()];
  }

  function wasSent({ streams }: LedgerRecord): boolean {
    return streams.length === 2 && streams.every(({ packetsSent }) => packetsSent > 0);
  }

  async function placeCalls(gateway: GatewayProcess): Promise<void> {
    for (const user of USERS) {
      const caller = await phone(`caller-of-${user}`);
      const call = await caller.call(`sip:${user}@${HOST}:${gateway.port('udp')}`);
      await call.waitFor('answered');
    }
    await waitUntil(
      () => journal().filter(wasSent).length === USERS.length,
      'a checkpoint of both recordings with packets in it',
      30_000,
    );
  }

  test('accounts for each call as interrupted when it starts again, and the chain holds', async () => {
    const callee = await phone('callee');
    callee.onIncoming(answerAfter(0));
    const settings = config(callee.uri.replace('callee@', ''));
    const killed = await startGatewayProcess(settings, home);
    await placeCalls(killed);
    const known = journal();
    await killed.stop('SIGKILL');
    // As if the disk had been cut off, too.
    appendFileSync(join(home, 'ledger.jsonl.journal'), '{"kind":"checkpoint","seq":');

    const gateway = await startGatewayProcess(settings, home);
    try {
      const lines = gateway.ledger();
      expect(lines).toHaveLength(USERS.length);
      for (const line of lines) {
        expect(line).toMatchObject({
          verdict: 'interrupted',
          verdictReasons: expect.arrayContaining(['gateway-stopped']) as unknown,
          recoveredAt: expect.any(String) as unknown,
          recordedParty: { role: 'callee' },
        });
        expect(wasSent(line)).toBe(true);
        expect(Date.parse(line.endedAt)).toBeGreaterThan(Date.parse(line.startedAt));
      }
      expect(lines.map(({ recordingId }) => recordingId).sort()).toEqual(
        known.map(({ recordingId }) => recordingId).sort(),
      );
      const metrics = await (await fetch(`${gateway.adminUrl ?? ''}/metrics`)).text();
      expect(metrics).toContain(
        `siprec_gateway_recordings_total{provider="lab",verdict="interrupted"} ${USERS.length}`,
      );
      expect(metrics).toContain(`siprec_gateway_ledger_head_sequence ${USERS.length}`);
      const verified = spawnSync(process.execPath, [MAIN, 'ledger', 'verify', home, '--json'], {
        encoding: 'utf8',
      });
      expect(JSON.parse(verified.stdout)).toMatchObject({
        ok: true,
        ledgers: [{ records: USERS.length, broken: null }],
      });
      expect(verified.status).toBe(0);
    } finally {
      expect(await gateway.stop()).toBe(0);
    }
  }, 90_000);
});
