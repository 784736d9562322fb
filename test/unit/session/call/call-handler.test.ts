import { type CallId, noopLogger } from '#core';
import { type CallDelegate, type CallPlan, type IncomingCall } from '#sip';

import { noopMetrics } from '../../../../src/observability';
import {
  type CallDeps,
  CallRegistry,
  createCallHandler,
  createMessageHandler,
  type RouteSettings,
  type SessionSettings,
  type TrunkSettings,
} from '../../../../src/session';
import { SrsHealth } from '../../../../src/session/srs/srs-health';
import { inviteFor } from '../../../support/invite-facts';
import { ManualClock } from '../../../support/manual-clock';
import { callPolicy } from '../../../support/user-policy';

const TRUNK: TrunkSettings = {
  trunkId: 'pbx',
  kind: 'internal',
  trusted: true,
  network: 'inside',
};
const ROUTE: RouteSettings = {
  routeId: 'routes[0]',
  kind: 'pstn',
  trusted: false,
  network: 'outside',
  targets: [{ requestUri: 'sip:bob@switch', nextHop: 'sip:switch', answerTimeoutMs: 1000 }],
};

const INVITE = inviteFor('sip:bob@gateway');

type Rejection = [number, Parameters<IncomingCall['reject']>[1]];

class FakeIncomingCall implements IncomingCall {
  readonly id = 'call-1' as CallId;
  readonly invite = INVITE;
  readonly rejections: Rejection[] = [];
  readonly connections: { plan: CallPlan; delegate: CallDelegate }[] = [];

  reject(...rejection: Rejection): void {
    this.rejections.push(rejection);
  }

  connect(plan: CallPlan, delegate: CallDelegate): void {
    this.connections.push({ plan, delegate });
  }

  hangUp(): Promise<void> {
    return Promise.resolve();
  }

  indicate(): void {
    throw new Error('nobody should indicate');
  }

  sendInfo(): void {
    throw new Error('nobody should send');
  }

  anchor(): Promise<void> {
    return Promise.resolve();
  }
}

function unexpected(what: string): () => never {
  return () => {
    throw new Error(`nobody should ask for ${what}`);
  };
}

interface Bench {
  readonly deps: CallDeps;
  readonly registry: CallRegistry;
  readonly call: FakeIncomingCall;
  readonly handle: (call: IncomingCall) => void;
}

function bench(
  settings: Partial<SessionSettings>,
  openCall: CallDeps['media']['openCall'] = unexpected('media'),
): Bench {
  const registry = new CallRegistry();
  let lastId = 0;
  const deps: CallDeps = {
    media: {
      backend: 'dgram',
      capacity: unexpected('capacity'),
      definePrompt: unexpected('a prompt'),
      counters: unexpected('counters'),
      close: unexpected('close'),
      openCall,
    },
    srsClient: { invite: unexpected('an SRS'), ping: unexpected('a ping') },
    srsHealth: new SrsHealth({ clock: new ManualClock(), ping: unexpected('a ping') }),
    settings: {
      findTrunk: () => TRUNK,
      findRoute: () => ROUTE,
      findUser: () => null,
      callPolicy: callPolicy(),
      findProvider: () => null,
      srtpOnly: 'reject',
      srcUri: 'sip:src@gateway',
      drainMs: 0,
      maxReportedLossRatio: 0.01,
      hangUpOnMediaTimeout: false,
      ...settings,
    },
    ledger: { append: unexpected('the ledger') } as unknown as CallDeps['ledger'],
    metrics: noopMetrics,
    clock: new ManualClock(),
    ids: {
      uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}`,
    },
    logger: noopLogger,
  };
  const call = new FakeIncomingCall();
  return { deps, registry, call, handle: createCallHandler(deps, registry) };
}

/** Lets everything run that waits for nothing but the event loop. */
function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

/** A media plane that has ports, or none. */
function mediaWith(hasPorts: boolean): CallDeps['media']['openCall'] {
  const local = { rtp: { host: '192.0.2.1', port: 1 }, rtcp: { host: '192.0.2.1', port: 2 } };
  return () => ({
    openLeg: ({ legId }) =>
      hasPorts
        ? Promise.resolve({
            legId,
            local,
            setRemote: () => undefined,
            holdDtmf: unexpected('holding digits'),
            releaseDtmf: unexpected('releasing digits'),
            counters: unexpected('counters'),
            close: () => undefined,
          })
        : Promise.reject(new Error('no ports')),
    connect: () => undefined,
    openRecording: unexpected('a recording'),
    playNotice: unexpected('a notice'),
    watchLevels: unexpected('levels'),
    levels: unexpected('levels'),
    close: () => Promise.resolve(),
  });
}

describe('the call handler', () => {
  test('refuses a peer that nobody configured with 403, by its source address', () => {
    const asked: string[] = [];
    const { registry, call, handle } = bench({
      findTrunk: host => {
        asked.push(host);
        return null;
      },
      findRoute: unexpected('a route'),
    });
    handle(call);
    expect(asked).toEqual(['192.0.2.7']);
    expect(call.rejections).toEqual([[403, { reason: 'Unknown Peer' }]]);
    expect(call.connections).toEqual([]);
    expect(registry.size).toBe(0);
  });

  test('refuses a call that no route leads on with 404', () => {
    const asked: unknown[] = [];
    const { registry, call, handle } = bench({
      findRoute: (invite, trunk) => {
        asked.push(invite.requestUri, trunk);
        return null;
      },
    });
    handle(call);
    expect(asked).toEqual(['sip:bob@gateway', TRUNK]);
    expect(call.rejections).toEqual([[404, { reason: 'No Route' }]]);
    expect(call.connections).toEqual([]);
    expect(registry.size).toBe(0);
  });

  test('connects any other call to the targets of its route and holds it', async () => {
    const { registry, call, handle } = bench({}, mediaWith(true));
    handle(call);
    expect(registry.size).toBe(1);
    await settled();
    expect(call.rejections).toEqual([]);
    expect(call.connections.map(({ plan }) => plan)).toEqual([
      {
        targets: ROUTE.targets,
        srtpOnly: 'reject',
        srtp: { accept: false, suites: [], callee: 'when-caller-does' },
        redirects: 'pass',
        refer: 'pass',
        otherMedia: 'refuse',
        calleeTrusted: false,
        callerTrusted: true,
      },
    ]);
    expect(registry.size).toBe(1);
  });

  test('refuses a call for which there is no media with 503 and lets go of it', async () => {
    const { registry, call, handle } = bench({}, mediaWith(false));
    handle(call);
    await settled();
    expect(call.rejections).toEqual([
      [503, { reason: 'No Media', headers: { 'Retry-After': '5' } }],
    ]);
    expect(call.connections).toEqual([]);
    expect(registry.size).toBe(0);
  });
});

describe('the handler of messages', () => {
  /** What becomes of a MESSAGE from the test's peer. */
  function outcome(settings: Partial<SessionSettings>): unknown {
    const seen: unknown[] = [];
    const { deps } = bench(settings);
    createMessageHandler(deps)({
      facts: INVITE,
      refuse: (...refusal) => void seen.push(refusal),
      relay: plan => void seen.push(plan),
    });
    expect(seen).toHaveLength(1);
    return seen[0];
  }

  test('sends it to the targets that a call would have, with the trust of both sides', () => {
    expect(outcome({ messages: 'relay' })).toEqual({
      targets: ROUTE.targets,
      senderTrusted: true,
      receiverTrusted: false,
    });
  });

  test('refuses unknown peers with 403, unknown places with 404, and all of them with 405 where told', () => {
    expect(outcome({ findTrunk: () => null })).toEqual([403, { reason: 'Unknown Peer' }]);
    expect(outcome({ findRoute: () => null })).toEqual([404, { reason: 'No Route' }]);
    expect(outcome({ messages: 'refuse' })).toEqual([
      405,
      { headers: { Allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS' } },
    ]);
  });
});
