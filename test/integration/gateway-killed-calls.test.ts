import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import {
  createSoftphone,
  type IncomingCall,
  openPhoneExchange,
  type PhoneExchange,
  type PhoneCall,
  silence,
  type Softphone,
  type SrsBehaviour,
  startReferenceSrs,
} from '../../src/lab';
import { Random } from '../../src/lab/fuzz/random';
import { type FlakyTcpLink, openFlakyTcpLink } from '../support/flaky-tcp-link';
import { type GatewayBench, openGatewayBench } from '../support/gateway-bench';
import { RawSipPeer, token } from '../support/raw-sip-peer';
import { waitUntil } from '../support/wait-until';

const CALLS = Number(process.env['CHAOS_CALLS'] ?? 1000);
const SEED = Number(process.env['CHAOS_SEED'] ?? 20260101);
const AT_A_TIME = 25;
/** The latest moment of a kill after the INVITE, ms: beyond a ring, an answer and the set-up of the recording. */
const LATEST_KILL_MS = 500;
/** A call that is still there after this is taken as hung. */
const CALL_DEADLINE_MS = 30_000;

/** The recorders; each user belongs to one. */
const SRS_KINDS: Readonly<Record<string, SrsBehaviour>> = {
  good: {},
  refusing: { refuseStatus: 503 },
  silent: { silent: true },
  late: { answerDelayMs: 300 },
  leaving: { byeAfterMs: 150 },
  resetting: { closeConnectionAfterMs: 150 },
  stuck: { stopReading: true },
  inactive: { inactive: true, activateAfterMs: 100 },
};

/** Who ends the call, and how. */
const KILLS = [
  'caller hangs up',
  'callee hangs up',
  'callee refuses',
  'callee never answers',
  'callee is not there',
  'caller never acknowledges',
  'a connection is reset',
] as const;
type Kill = (typeof KILLS)[number];

interface Plan {
  readonly n: number;
  readonly kill: Kill;
  readonly atMs: number;
  readonly ringMs: number;
  readonly srs: string;
  readonly transport: 'udp' | 'tcp';
}

/** Everything around the gateway. */
interface World {
  readonly bench: GatewayBench;
  /** The way to the callees over TCP. */
  readonly toCallees: FlakyTcpLink;
  port(transport: 'udp' | 'tcp'): number;
  close(): Promise<void>;
}

/** What the caller saw of its call. */
interface Outcome {
  readonly sipCallId: string;
  readonly isAnswered: boolean;
}

async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'killed-'));
  const blackHole = await RawSipPeer.open('nobody');
  const recorders = await Promise.all(
    Object.entries(SRS_KINDS).map(async ([kind, behaviour]) => {
      const srs = await startReferenceSrs({
        ...LAB,
        port: 0,
        transports: ['tcp'],
        outDir: join(folder, kind),
      });
      srs.setBehaviour(behaviour);
      return { kind, srs };
    }),
  );
  // The bench's callees are known only once it runs; their way is laid first.
  const callees = await openPhoneExchange({ ...LAB, transports: ['udp', 'tcp'] });
  const toCallees = await openFlakyTcpLink(callees.endpoint.address('tcp').port);
  const nextHop = (port: number, transport: string): string =>
    `sip:127.0.0.1:${port};transport=${transport}`;
  const route = { kind: 'internal', trusted: true };
  const bench = await openGatewayBench({
    callees,
    config: {
      routes: [
        {
          match: { user: 'void*' },
          nextHops: [nextHop(blackHole.port, 'udp')],
          answerTimeoutMs: 500,
          ...route,
        },
        { match: { user: 'tcp*' }, nextHops: [nextHop(toCallees.port, 'tcp')], ...route },
        { nextHops: [nextHop(callees.endpoint.address('udp').port, 'udp')], ...route },
      ],
      providers: Object.fromEntries(
        recorders.map(({ kind, srs }) => [
          kind,
          { targets: [srs.uri('tcp')], answerTimeoutMs: 1000 },
        ]),
      ),
      organisations: Object.fromEntries(
        recorders.map(({ kind }) => [
          kind,
          {
            provider: kind,
            users: {
              [kind]: { identities: [`sip:${kind}@127.0.0.1`], recording: { mode: 'always' } },
            },
          },
        ]),
      ),
    },
  });
  return {
    bench,
    toCallees,
    port: transport =>
      bench.gateway.listeners.find(listener => listener.transport === transport)?.port ?? 0,
    async close() {
      await bench.close();
      await Promise.all(recorders.map(({ srs }) => srs.close()));
      await Promise.all([toCallees.close(), blackHole.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function planOf(n: number, random: Random): Plan {
  return {
    n,
    kill: random.pick(KILLS),
    atMs: random.below(LATEST_KILL_MS),
    ringMs: random.below(150),
    srs: random.pick(Object.keys(SRS_KINDS)),
    transport: random.pick(['udp', 'tcp'] as const),
  };
}

const later = (delayMs: number): Promise<void> =>
  new Promise(resolve => systemClock.setTimer(delayMs, resolve));

/** A caller that sends an INVITE and then nothing any more, not even the ACK to the 200. */
async function silentCaller(world: World, { n, srs }: Plan): Promise<Outcome> {
  const peer = await RawSipPeer.open(srs);
  const host = '127.0.0.1';
  const sipCallId = token();
  const target = `sip:udp${n}@${host}:${world.port('udp')}`;
  const callee = await phone(world.bench.callees, `udp${n}`, 'udp');
  callee.onIncoming(waiting => waiting.answer());
  const sdp = `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n`;
  const invite = [
    `INVITE ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${host}:${peer.port};branch=z9hG4bK${token()}`,
    'Max-Forwards: 70',
    `From: <sip:${srs}@${host}>;tag=${token()}`,
    `To: <${target}>`,
    `Call-ID: ${sipCallId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:${srs}@${host}:${peer.port}>`,
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
    '',
    sdp,
  ];
  peer.send(invite.join('\r\n'), world.port('udp'));
  await peer.next(message => message.status === 200, 'the 200', CALL_DEADLINE_MS);
  // The gateway repeats its 200 and gives up after 64·T1 (RFC 3261 §13.3.1.4).
  await peer.request('BYE', CALL_DEADLINE_MS);
  await Promise.all([peer.close(), callee.close()]);
  return { sipCallId, isAnswered: true };
}

const LAB = { clock: systemClock, logger: noopLogger, host: '127.0.0.1' };

const phone = (
  exchange: PhoneExchange,
  name: string,
  transport: Plan['transport'],
): Promise<Softphone> => createSoftphone({ ...LAB, name, transport, audio: silence, exchange });

/** What the callee does with the call; the rest is up to {@link killedCall}. */
function calleeOf(plan: Plan, incoming: IncomingCall): void {
  incoming.ring();
  if (plan.kill === 'callee refuses') {
    incoming.after(plan.ringMs, () => incoming.reject(plan.n % 2 === 0 ? 486 : 603));
  } else if (plan.kill !== 'callee never answers') {
    incoming.after(plan.ringMs, () => incoming.answer());
  }
}

/** One call that is killed as planned. Resolves when both phones know that it is over. */
async function killedCall(world: World, plan: Plan): Promise<Outcome> {
  if (plan.kill === 'caller never acknowledges') {
    return silentCaller(world, plan);
  }
  const { bench, toCallees } = world;
  const { transport } = plan;
  // Each caller has a TCP connection of its own, so that cutting it hits one call.
  const link = transport === 'tcp' ? await openFlakyTcpLink(world.port('tcp')) : null;
  const caller = await phone(bench.callers, plan.srs, transport);
  const side = plan.kill === 'callee is not there' ? 'void' : transport;
  const callee = await phone(bench.callees, `${side}${plan.n}`, transport);
  let incoming: PhoneCall | null = null;
  callee.onIncoming(waiting => {
    incoming = waiting.call;
    calleeOf(plan, waiting);
  });
  const uri = `sip:${callee.name}@127.0.0.1:${link?.port ?? world.port('udp')};transport=${transport}`;
  const outgoing = await caller.call(uri);
  await later(plan.atMs);
  if (plan.kill === 'callee hangs up') {
    await (incoming as PhoneCall | null)?.hangUp();
  } else if (plan.kill === 'a connection is reset') {
    (plan.n % 4 === 0 ? toCallees : link)?.cut();
  }
  await outgoing.hangUp();
  const isAnswered = outgoing.times.answeredAtMs !== null;
  await (incoming as PhoneCall | null)?.hangUp();
  await Promise.all([caller.close(), callee.close(), link?.close()]);
  return { sipCallId: outgoing.callId, isAnswered };
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe(`${CALLS} calls killed at random moments (seed ${SEED})`, () => {
  test('leave nothing open, and exactly one ledger record for each answered call', async () => {
    const filesBefore = openFiles();
    const world = await openWorld();
    try {
      const { bench } = world;
      const random = new Random(SEED);
      const waiting = Array.from({ length: CALLS }, (_, n) => planOf(n, random));
      const outcomes: Outcome[] = [];
      const worker = async (): Promise<void> => {
        for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
          outcomes.push(await killedCall(world, plan));
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, worker));
      await bench.expectNothingOpen(90_000);

      const records = bench.ledger().map(({ sipCallId }) => sipCallId);
      expect(new Set(records).size).toBe(records.length);
      const answered = outcomes.filter(({ isAnswered }) => isAnswered);
      expect(answered.length).toBeGreaterThan(CALLS / 4);
      expect(answered.filter(({ sipCallId }) => !records.includes(sipCallId))).toEqual([]);
      const ended = sumOf(await bench.metrics(), 'siprec_gateway_recordings_total');
      expect(ended).toBe(records.length);
    } finally {
      await world.close();
    }
    await waitUntil(() => openFiles() <= filesBefore, 'all files and sockets are closed', 10_000);
  }, 400_000);
});

/** The sum of a counter over all its labels. */
function sumOf(metrics: string, name: string): number {
  return [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
    (total, [, value]) => total + Number(value),
    0,
  );
}
