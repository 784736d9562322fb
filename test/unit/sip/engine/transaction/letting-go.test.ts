import {
  HeaderList,
  makeRequest,
  makeResponse,
  type MessageSource,
  type OutboundRoute,
  type SipRequest,
} from '#sip/engine';
import { ClientTransaction } from '../../../../../sip/engine/transaction/client-transaction';
import { ServerTransaction } from '../../../../../sip/engine/transaction/server-transaction';
import { collectGarbage } from '../../../../support/collect-garbage';
import { FakeClock } from '../fake-clock';

const TIMERS = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };
const TRANSACTIONS = 20;
const BODY_BYTES = 1000;

function request(method: string): SipRequest {
  return makeRequest(
    method,
    'sip:c@d',
    HeaderList.of(
      ['Via', 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx'],
      ['From', '<sip:a@b>;tag=a'],
      ['To', '<sip:c@d>'],
      ['Call-ID', 'i'],
      ['CSeq', `1 ${method}`],
    ),
    Buffer.alloc(BODY_BYTES, 'v'),
  );
}

/** What transactions that stay after their final response must not keep. */
class Watched {
  readonly #references: WeakRef<object>[] = [];

  watch<T extends object>(thing: T): T {
    this.#references.push(new WeakRef(thing));
    return thing;
  }

  async left(): Promise<number> {
    await collectGarbage();
    return this.#references.filter(reference => reference.deref() !== undefined).length;
  }
}

const WATCHED_BY_CLIENT = 3;

function runClient(method: string, status: number, watched: Watched): ClientTransaction {
  const outgoing = request(method);
  watched.watch(outgoing.body);
  const transaction = new ClientTransaction({
    request: outgoing,
    clock: new FakeClock(),
    timers: TIMERS,
    handlers: {
      onResponse: () => undefined,
      onTimeout: () => undefined,
      onTransportError: () => undefined,
    },
    onTerminated: () => undefined,
  });
  transaction.start(
    outgoing,
    { transport: 'udp' } as OutboundRoute,
    // The ACK of a failure is kept, because it may have to be sent again.
    {
      send: bytes => (bytes.length > BODY_BYTES ? watched.watch(bytes) : bytes),
      close: () => undefined,
    },
  );
  const response = watched.watch(
    makeResponse(outgoing, status, { toTag: 'b', body: Buffer.alloc(BODY_BYTES, 'v') }),
  );
  transaction.receive(response, {} as MessageSource);
  return transaction;
}

const WATCHED_BY_SERVER = 2;

function runServer(method: string, status: number, watched: Watched): ServerTransaction {
  const incoming = request(method);
  watched.watch(incoming.body);
  const source = { transport: 'udp', raw: watched.watch(Buffer.alloc(BODY_BYTES)) };
  const transaction = new ServerTransaction({
    key: 'k',
    request: incoming,
    source: source as unknown as MessageSource,
    cancels: null,
    clock: new FakeClock(),
    timers: TIMERS,
    send: () => undefined,
    onAck: () => undefined,
    onTerminated: () => undefined,
  });
  transaction.respond(makeResponse(incoming, status, { toTag: 'b' }));
  return transaction;
}

describe('what a transaction keeps after its final response, when it stays for retransmissions', () => {
  test.each([
    ['INVITE', 200],
    ['INVITE', 486],
    ['INFO', 200],
  ])(
    'the client of an %s that was answered by %d keeps no body, no bytes, no response',
    async (method, status) => {
      const watched = new Watched();
      const transactions = Array.from({ length: TRANSACTIONS }, () =>
        runClient(method, status, watched),
      );
      expect(await watched.left()).toBe(0);
      expect(transactions.map(({ state }) => state)).not.toContain('terminated');
    },
  );

  test.each([
    ['INVITE', 200],
    ['INVITE', 486],
    ['INFO', 200],
  ])(
    'the server of an %s that was answered by %d keeps no body and no bytes of the request',
    async (method, status) => {
      const watched = new Watched();
      const transactions = Array.from({ length: TRANSACTIONS }, () =>
        runServer(method, status, watched),
      );
      expect(await watched.left()).toBe(0);
      expect(transactions.map(({ state }) => state)).not.toContain('terminated');
    },
  );

  test('before the final response all of it is there', async () => {
    const watched = new Watched();
    const client = runClient('INVITE', 180, watched);
    expect(await watched.left()).toBe(WATCHED_BY_CLIENT - 1);
    const server = runServer('INVITE', 180, watched);
    expect(await watched.left()).toBe(WATCHED_BY_CLIENT - 1 + WATCHED_BY_SERVER);
    expect([client.state, server.state]).toEqual(['proceeding', 'proceeding']);
  });
});

describe('a repeated request', () => {
  test('gets its final response again, although the transaction has let go of the request', () => {
    const sent: string[] = [];
    const incoming = request('INFO');
    const transaction = new ServerTransaction({
      key: 'k',
      request: incoming,
      source: { transport: 'udp', raw: Buffer.alloc(0) } as unknown as MessageSource,
      cancels: null,
      clock: new FakeClock(),
      timers: TIMERS,
      send: bytes => sent.push(bytes.toString()),
      onAck: () => undefined,
      onTerminated: () => undefined,
    });
    transaction.respond(makeResponse(incoming, 200, { toTag: 'b', body: 'what was asked for' }));
    transaction.receiveRequest();
    expect(sent).toHaveLength(2);
    expect(sent[1]).toBe(sent[0]);
  });
});
