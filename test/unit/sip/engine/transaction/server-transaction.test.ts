import {
  HeaderList,
  makeRequest,
  makeResponse,
  type MessageSource,
  type ServerTransaction as ServerTransactionType,
} from '#sip/engine';
import { ServerTransaction } from '../../../../../sip/engine/transaction/server-transaction';
import { FakeClock } from '../fake-clock';

const TIMERS = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

interface Rig {
  readonly clock: FakeClock;
  readonly transaction: ServerTransactionType;
  readonly log: string[];
  fail: () => void;
  respond(status: number): boolean;
  ack(): void;
}

function start(method: 'INVITE' | 'OPTIONS', transport: 'udp' | 'tcp'): Rig {
  const clock = new FakeClock();
  const log: string[] = [];
  const request = makeRequest(
    method,
    'sip:c@d',
    HeaderList.of(
      ['Via', 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx'],
      ['From', '<sip:a@b>;tag=a'],
      ['To', '<sip:c@d>'],
      ['Call-ID', 'i'],
      ['CSeq', `1 ${method}`],
    ),
  );
  const source = { transport } as MessageSource;
  const transaction = new ServerTransaction({
    key: 'k',
    request,
    source,
    cancels: null,
    clock,
    timers: TIMERS,
    send: (bytes, _source, onFailure) => {
      rig.fail = onFailure;
      log.push(`send ${bytes.toString().split(' ')[1] ?? ''}`);
    },
    onAck: () => log.push('ack'),
    onTerminated: () => log.push('end'),
  });
  transaction.onEnded = end => log.push(end);
  const rig: Rig = {
    clock,
    transaction,
    log,
    fail: () => undefined,
    respond: status => transaction.respond(makeResponse(request, status, { toTag: 'b' })),
    ack: () => transaction.receiveAck(request, source),
  };
  return rig;
}

type Step = (rig: Rig) => unknown;
const EVENTS: Record<string, Step> = {
  request: rig => rig.transaction.receiveRequest(),
  ack: rig => rig.ack(),
  '180': rig => rig.respond(180),
  '200': rig => rig.respond(200),
  '486': rig => rig.respond(486),
  error: rig => rig.fail(),
};

type Matrix = Record<string, Record<string, [string, string[]]>>;

function cellsOf(
  matrix: Matrix,
): { state: string; event: string; to: string; actions: string[] }[] {
  return Object.entries(matrix).flatMap(([state, row]) =>
    Object.keys(EVENTS).map(event => {
      const [to, actions] = row[event] ?? [state, []];
      return { state, event, to, actions };
    }),
  );
}

describe('INVITE server transaction (RFC 3261 §17.2.1, RFC 6026)', () => {
  const STATES: Record<string, Step> = {
    proceeding: rig => rig.respond(100),
    accepted: rig => rig.respond(200),
    completed: rig => rig.respond(486),
    confirmed: rig => {
      rig.respond(486);
      rig.ack();
    },
    terminated: rig => rig.transaction.terminate(),
  };
  // What is not in a row is ignored in that state.
  const MATRIX: Matrix = {
    proceeding: {
      request: ['proceeding', ['send 100']],
      '180': ['proceeding', ['send 180']],
      '200': ['accepted', ['send 200']],
      '486': ['completed', ['send 486']],
    },
    accepted: { ack: ['accepted', ['ack']], '200': ['accepted', ['send 200']] },
    completed: {
      request: ['completed', ['send 486']],
      ack: ['confirmed', []],
      error: ['terminated', ['end', 'transport-error']],
    },
    confirmed: {},
    terminated: {},
  };

  test.each(cellsOf(MATRIX))('$state + $event -> $to', ({ state, event, to, actions }) => {
    const rig = start('INVITE', 'udp');
    STATES[state]?.(rig);
    expect(rig.transaction.state).toBe(state);
    rig.log.length = 0;
    EVENTS[event]?.(rig);
    expect(rig.log).toEqual(actions);
    expect(rig.transaction.state).toBe(to);
  });

  test('a failure is repeated on UDP (timer G up to T2) until timer H', () => {
    const rig = start('INVITE', 'udp');
    rig.respond(486);
    rig.clock.advance(31_999);
    expect(rig.log.filter(entry => entry === 'send 486')).toHaveLength(11);
    rig.clock.advance(1);
    expect(rig.log.slice(-2)).toEqual(['end', 'timeout']);
    expect(rig.clock.timerCount).toBe(0);
  });

  test('a failure is not repeated on TCP, but its ACK is waited for', () => {
    const rig = start('INVITE', 'tcp');
    rig.respond(486);
    rig.clock.advance(31_000);
    expect(rig.log).toEqual(['send 486']);
    rig.ack();
    expect(rig.transaction.state).toBe('terminated');
    expect(rig.clock.timerCount).toBe(0);
  });

  test('an ACK stops the repetitions; timer I keeps the transaction for T4', () => {
    const rig = start('INVITE', 'udp');
    rig.respond(486);
    rig.ack();
    rig.clock.advance(4999);
    expect(rig.log).toEqual(['send 486']);
    rig.clock.advance(1);
    expect(rig.log).toEqual(['send 486', 'end', 'done']);
  });

  test('after a 2xx it absorbs the request for 64*T1 and repeats nothing by itself', () => {
    const rig = start('INVITE', 'udp');
    rig.respond(200);
    rig.clock.advance(31_999);
    rig.transaction.receiveRequest();
    expect(rig.log).toEqual(['send 200']);
    rig.clock.advance(1);
    expect(rig.transaction.state).toBe('terminated');
  });

  test('respond() says whether it still could', () => {
    const rig = start('INVITE', 'udp');
    expect(rig.respond(486)).toBe(true);
    expect(rig.respond(200)).toBe(false);
  });
});

describe('non-INVITE server transaction (RFC 3261 §17.2.2)', () => {
  const STATES: Record<string, Step> = {
    trying: () => undefined,
    proceeding: rig => rig.respond(180),
    completed: rig => rig.respond(200),
    terminated: rig => rig.transaction.terminate(),
  };
  const MATRIX: Matrix = {
    trying: {
      '180': ['proceeding', ['send 180']],
      '200': ['completed', ['send 200']],
      '486': ['completed', ['send 486']],
    },
    proceeding: {
      request: ['proceeding', ['send 180']],
      '180': ['proceeding', ['send 180']],
      '200': ['completed', ['send 200']],
      '486': ['completed', ['send 486']],
      error: ['terminated', ['end', 'transport-error']],
    },
    completed: {
      request: ['completed', ['send 200']],
      error: ['terminated', ['end', 'transport-error']],
    },
    terminated: {},
  };

  test.each(cellsOf(MATRIX))('$state + $event -> $to', ({ state, event, to, actions }) => {
    const rig = start('OPTIONS', 'udp');
    STATES[state]?.(rig);
    rig.log.length = 0;
    EVENTS[event]?.(rig);
    expect(rig.log).toEqual(actions);
    expect(rig.transaction.state).toBe(to);
  });

  test('timer J keeps it for 64*T1 on UDP and not at all on TCP', () => {
    const udp = start('OPTIONS', 'udp');
    udp.respond(200);
    udp.clock.advance(31_999);
    expect(udp.transaction.state).toBe('completed');
    udp.clock.advance(1);
    expect(udp.transaction.state).toBe('terminated');
    const tcp = start('OPTIONS', 'tcp');
    tcp.respond(200);
    expect(tcp.transaction.state).toBe('terminated');
  });
});
