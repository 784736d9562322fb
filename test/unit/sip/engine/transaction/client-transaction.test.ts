import {
  type ClientTransaction as ClientTransactionType,
  HeaderList,
  makeRequest,
  makeResponse,
  type MessageSource,
  type OutboundRoute,
} from '#sip/engine';
import { ClientTransaction } from '../../../../../sip/engine/transaction/client-transaction';
import { FakeClock } from '../fake-clock';

const LISTENER = {
  transport: 'udp',
  host: '127.0.0.1',
  port: 5060,
  family: 4,
  advertisedHost: null,
  advertisedPort: null,
} as const;
const TIMERS = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

interface Rig {
  readonly clock: FakeClock;
  readonly transaction: ClientTransactionType;
  /** `send INVITE`, `send ACK`, `deliver 180`, `timeout`, `error`, in order. */
  readonly log: string[];
  response(status: number): void;
}

function start(method: 'INVITE' | 'OPTIONS', transport: 'udp' | 'tcp'): Rig {
  const clock = new FakeClock();
  const log: string[] = [];
  const headers = HeaderList.of(
    ['Via', `SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx`],
    ['Route', '<sip:proxy;lr>'],
    ['From', '<sip:a@b>;tag=a'],
    ['To', '<sip:c@d>'],
    ['Call-ID', 'i'],
    ['CSeq', `1 ${method}`],
  );
  const request = makeRequest(method, 'sip:c@d', headers);
  const transaction = new ClientTransaction({
    request,
    clock,
    timers: TIMERS,
    handlers: {
      onResponse: response => log.push(`deliver ${response.status}`),
      onTimeout: () => log.push('timeout'),
      onTransportError: () => log.push('error'),
    },
    onTerminated: () => log.push('end'),
  });
  const route: OutboundRoute = {
    transport,
    listener: LISTENER,
    advertisedHost: '127.0.0.1',
    advertisedPort: 5060,
    remoteHost: '127.0.0.1',
    remotePort: 5070,
    tls: null,
  };
  transaction.start(request, route, {
    send: bytes => log.push(`send ${bytes.toString().split(' ')[0] ?? ''}`),
    close: () => undefined,
  });
  const source = {} as MessageSource;
  return {
    clock,
    transaction,
    log,
    response: status => transaction.receive(makeResponse(request, status, { toTag: 'b' }), source),
  };
}

type Step = (rig: Rig) => void;
const EVENTS: Record<string, Step> = {
  '180': rig => rig.response(180),
  '200': rig => rig.response(200),
  '486': rig => rig.response(486),
  error: rig => rig.transaction.fail(new Error('x')),
};

/** How to get into each state, on UDP. */
const INVITE_STATES: Record<string, Step> = {
  calling: () => undefined,
  proceeding: rig => rig.response(180),
  accepted: rig => rig.response(200),
  completed: rig => rig.response(486),
  terminated: rig => rig.transaction.fail(new Error('x')),
};

describe('INVITE client transaction (RFC 3261 §17.1.1, RFC 6026)', () => {
  const A_ACK = ['send ACK', 'deliver 486'];
  const MATRIX: Record<string, Record<string, [string, string[]]>> = {
    calling: {
      '180': ['proceeding', ['deliver 180']],
      '200': ['accepted', ['deliver 200']],
      '486': ['completed', A_ACK],
      error: ['terminated', ['error', 'end']],
    },
    proceeding: {
      '180': ['proceeding', ['deliver 180']],
      '200': ['accepted', ['deliver 200']],
      '486': ['completed', A_ACK],
      error: ['terminated', ['error', 'end']],
    },
    accepted: {
      '180': ['accepted', []],
      '200': ['accepted', ['deliver 200']],
      '486': ['accepted', []],
      error: ['accepted', []],
    },
    completed: {
      '180': ['completed', []],
      '200': ['completed', []],
      '486': ['completed', ['send ACK']],
      error: ['terminated', ['end']],
    },
    terminated: {
      '180': ['terminated', []],
      '200': ['terminated', []],
      '486': ['terminated', []],
      error: ['terminated', []],
    },
  };
  const cells = Object.entries(MATRIX).flatMap(([state, row]) =>
    Object.entries(row).map(([event, [to, actions]]) => ({ state, event, to, actions })),
  );

  test.each(cells)('$state + $event -> $to', ({ state, event, to, actions }) => {
    const rig = start('INVITE', 'udp');
    INVITE_STATES[state]?.(rig);
    expect(rig.transaction.state).toBe(state);
    rig.log.length = 0;
    EVENTS[event]?.(rig);
    expect(rig.log).toEqual(actions);
    expect(rig.transaction.state).toBe(to);
  });

  test('timer A doubles without limit and timer B ends it at 64*T1', () => {
    const rig = start('INVITE', 'udp');
    const sentAt: number[] = [];
    for (let ms = 0; ms < 32_000; ms += 500) {
      rig.log.length = 0;
      rig.clock.advance(500);
      if (rig.log.includes('send INVITE')) {
        sentAt.push(ms + 500);
      }
    }
    expect(sentAt).toEqual([500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(rig.log).toEqual(['timeout', 'end']);
    expect(rig.clock.timerCount).toBe(0);
  });

  test('on TCP nothing is sent again, and a failure ends it at once (timer D is zero)', () => {
    const rig = start('INVITE', 'tcp');
    rig.clock.advance(31_999);
    expect(rig.log).toEqual(['send INVITE']);
    rig.response(486);
    expect(rig.log).toEqual(['send INVITE', 'send ACK', 'deliver 486', 'end']);
    expect(rig.clock.timerCount).toBe(0);
  });

  test.each(['udp', 'tcp'] as const)('after a 2xx it stays 64*T1 for more of them (%s)', via => {
    const rig = start('INVITE', via);
    rig.response(200);
    rig.clock.advance(31_999);
    rig.response(200);
    expect(rig.log.filter(entry => entry === 'deliver 200')).toHaveLength(2);
    rig.clock.advance(1);
    expect(rig.transaction.state).toBe('terminated');
    expect(rig.clock.timerCount).toBe(0);
  });

  test('rings for as long as the user lets it; after a CANCEL it ends at 64*T1 (§9.1)', () => {
    const rig = start('INVITE', 'udp');
    rig.response(180);
    rig.clock.advance(3_600_000);
    expect(rig.transaction.state).toBe('proceeding');
    rig.transaction.expectEnd();
    rig.clock.advance(32_000);
    expect(rig.log.slice(-2)).toEqual(['timeout', 'end']);
    expect(rig.clock.timerCount).toBe(0);
  });
});

describe('non-INVITE client transaction (RFC 3261 §17.1.2)', () => {
  const STATES: Record<string, Step> = {
    trying: () => undefined,
    proceeding: rig => rig.response(180),
    completed: rig => rig.response(200),
    terminated: rig => rig.transaction.fail(new Error('x')),
  };
  const OPEN: Record<string, [string, string[]]> = {
    '180': ['proceeding', ['deliver 180']],
    '200': ['completed', ['deliver 200']],
    '486': ['completed', ['deliver 486']],
    error: ['terminated', ['error', 'end']],
  };
  const MATRIX: Record<string, Record<string, [string, string[]]>> = {
    trying: OPEN,
    proceeding: OPEN,
    completed: {
      '180': ['completed', []],
      '200': ['completed', []],
      '486': ['completed', []],
      error: ['completed', []],
    },
    terminated: {
      '180': ['terminated', []],
      '200': ['terminated', []],
      '486': ['terminated', []],
      error: ['terminated', []],
    },
  };
  const cells = Object.entries(MATRIX).flatMap(([state, row]) =>
    Object.entries(row).map(([event, [to, actions]]) => ({ state, event, to, actions })),
  );

  test.each(cells)('$state + $event -> $to', ({ state, event, to, actions }) => {
    const rig = start('OPTIONS', 'udp');
    STATES[state]?.(rig);
    rig.log.length = 0;
    EVENTS[event]?.(rig);
    expect(rig.log).toEqual(actions);
    expect(rig.transaction.state).toBe(to);
  });

  test.each([
    ['trying', [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]],
    ['proceeding', [4000, 8000, 12_000, 16_000, 20_000, 24_000, 28_000]],
  ])('timer E repeats it in %s up to T2, timer F ends it', (state, times) => {
    const rig = start('OPTIONS', 'udp');
    STATES[state]?.(rig);
    const sentAt: number[] = [];
    for (let ms = 0; ms < 32_000; ms += 500) {
      rig.log.length = 0;
      rig.clock.advance(500);
      if (rig.log.includes('send OPTIONS')) {
        sentAt.push(ms + 500);
      }
    }
    expect(sentAt.filter(ms => ms < 32_000)).toEqual(times);
    expect(rig.log).toContain('timeout');
    expect(rig.clock.timerCount).toBe(0);
  });

  test('timer K keeps it for T4 on UDP and not at all on TCP', () => {
    const udp = start('OPTIONS', 'udp');
    udp.response(200);
    udp.clock.advance(4999);
    expect(udp.transaction.state).toBe('completed');
    udp.clock.advance(1);
    expect(udp.transaction.state).toBe('terminated');
    const tcp = start('OPTIONS', 'tcp');
    tcp.response(200);
    expect(tcp.transaction.state).toBe('terminated');
    expect(udp.clock.timerCount + tcp.clock.timerCount).toBe(0);
  });
});
