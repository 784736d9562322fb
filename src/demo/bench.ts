import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { parseConfig } from '#config';
import { type Clock, CloseStack, type Logger, randomIds } from '#core';

import { type Gateway, startGateway } from '../app';
import {
  createSoftphone,
  type ReferenceSrs,
  type Softphone,
  startReferenceSrs,
  tone,
} from '../lab';
import { createMetrics } from '../observability';

/** A party of the demo: its name, its number and the tone by which it is recognised. */
export interface DemoParty {
  readonly name: string;
  readonly displayName: string;
  readonly toneHz: number;
}

/** Neither tone is a harmonic of the other, nor of the 1400 Hz of reminder tones. */
export const ALICE: DemoParty = { name: 'alice', displayName: 'Alice Al & Co', toneHz: 440 };
export const BOB: DemoParty = { name: 'bob', displayName: 'Bob', toneHz: 620 };

const TONE_LEVEL_DBFS = -12;
const HOST = '127.0.0.1';

export interface DemoBenchOptions {
  readonly outDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly transport: 'udp' | 'tcp';
}

/** Everything that a call on loopback needs: caller, callee, recorder, and the gateway between them. */
export interface DemoBench {
  readonly gateway: Gateway;
  readonly srs: ReferenceSrs;
  readonly caller: Softphone;
  readonly callee: Softphone;
  /** Where the caller sends its INVITE. */
  readonly gatewayUri: string;
  readonly ledgerFile: string;
  close(): Promise<void>;
}

/** Starts the bench on free ports of the loopback interface. @throws when a part cannot start. */
export async function openDemoBench(options: DemoBenchOptions): Promise<DemoBench> {
  const parts = new CloseStack();
  try {
    return await build(options, parts);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function build(options: DemoBenchOptions, parts: CloseStack): Promise<DemoBench> {
  const { outDir, clock, logger, transport } = options;
  mkdirSync(outDir, { recursive: true });
  const phone = async (party: DemoParty): Promise<Softphone> => {
    const created = await createSoftphone({
      name: party.name,
      displayName: party.displayName,
      host: HOST,
      transport,
      audio: tone({ hz: party.toneHz, levelDbfs: TONE_LEVEL_DBFS }),
      clock,
      logger,
    });
    parts.push(party.name, () => created.close());
    return created;
  };
  const srs = await startReferenceSrs({
    host: HOST,
    port: 0,
    transports: ['tcp'],
    outDir: join(outDir, 'srs'),
    clock,
    logger,
  });
  parts.push('SRS', () => srs.close());
  const callee = await phone(BOB);
  const caller = await phone(ALICE);
  const ledgerFile = join(outDir, 'ledger.jsonl');
  const gateway = await startGateway(
    parseConfig(configText(srs.uri('tcp'), nextHopOf(callee.uri), ledgerFile), 'demo'),
    { clock, ids: randomIds, logger, metrics: createMetrics({ processMetrics: false }) },
  );
  parts.push('gateway', () => gateway.close());
  const listener = gateway.listeners.find(candidate => candidate.transport === transport);
  return {
    gateway,
    srs,
    caller,
    callee,
    gatewayUri: `sip:${BOB.name}@${HOST}:${listener?.port ?? 0};transport=${transport}`,
    ledgerFile,
    close: async () => {
      await parts.close();
    },
  };
}

/** A real configuration, as an operator would write it; YAML takes JSON. */
function configText(srsUri: string, nextHop: string, ledgerFile: string): string {
  return JSON.stringify({
    sip: {
      listeners: [
        { transport: 'udp', host: HOST, port: 0 },
        { transport: 'tcp', host: HOST, port: 0 },
      ],
    },
    media: { networks: { default: { bindHost: HOST } } },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: [{ nextHops: [nextHop], kind: 'internal', trusted: true }],
    providers: { lab: { targets: [srsUri] } },
    organisations: {
      demo: {
        provider: 'lab',
        users: {
          alice: { identities: [`sip:${ALICE.name}@${HOST}`], recording: { mode: 'always' } },
        },
      },
    },
    ledger: { file: ledgerFile },
    admin: { enabled: false },
  });
}

/** `sip:bob@127.0.0.1:5080;transport=udp` → `sip:127.0.0.1:5080;transport=udp`. */
function nextHopOf(uri: string): string {
  return uri.replace(/^sip:[^@]*@/, 'sip:');
}
