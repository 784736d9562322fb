import { connect, createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { noopLogger, systemClock, withDeadline } from '#core';
import {
  type EngineTransport,
  HeaderList,
  makeRequest,
  makeResponse,
  type ServerTransaction,
  type SipRequest,
  type SipResponse,
  TransactionLayer,
  TransportLayer,
} from '#sip/engine';

const TIMERS = { t1Ms: 20, t2Ms: 80, t4Ms: 100 };

interface Peer {
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly port: number;
  readonly acks: SipRequest[];
  close(): Promise<void>;
}

const peers: Peer[] = [];

async function startPeer(
  protocol: EngineTransport,
  onRequest: (transaction: ServerTransaction, request: SipRequest) => void,
  host = '127.0.0.1',
): Promise<Peer> {
  const transport = new TransportLayer({ clock: systemClock, logger: noopLogger });
  const acks: SipRequest[] = [];
  const transactions = new TransactionLayer({
    transport,
    clock: systemClock,
    logger: noopLogger,
    timers: TIMERS,
    events: { onRequest, onAck: ack => acks.push(ack), onStrayResponse: () => undefined },
  });
  const { port } = await transport.listen({ transport: protocol, host, port: 0 });
  const peer: Peer = {
    transport,
    transactions,
    port,
    acks,
    close: async () => {
      transactions.close();
      await transport.close();
    },
  };
  peers.push(peer);
  return peer;
}

function makeInvite(method = 'INVITE'): SipRequest {
  return makeRequest(
    method,
    'sip:bob@127.0.0.1',
    HeaderList.of(
      ['From', '<sip:alice@127.0.0.1>;tag=a'],
      ['To', '<sip:bob@127.0.0.1>'],
      ['Call-ID', 'call@test'],
      ['CSeq', `1 ${method}`],
      ['Max-Forwards', '70'],
    ),
  );
}

type Outcome = SipResponse | 'timeout' | Error;

/** Sends and gives the first final outcome. */
function ask(
  peer: Peer,
  request: SipRequest,
  target: { transport: EngineTransport; host: string; port: number },
): Promise<Outcome> {
  const outcome = new Promise<Outcome>(resolve => {
    peer.transactions.request(request, target, {
      onResponse: response => {
        if (response.status >= 200) {
          resolve(response);
        }
      },
      onTimeout: () => resolve('timeout'),
      onTransportError: resolve,
    });
  });
  return withDeadline(systemClock, outcome, 5000, () => new Error('no outcome'));
}

afterEach(async () => {
  for (const peer of peers.splice(0)) {
    await peer.close();
  }
});

describe.each(['udp', 'tcp'] as const)('transactions over %s', protocol => {
  test.each(['INVITE', 'OPTIONS'])('carry a %s and its response there and back', async method => {
    const server = await startPeer(protocol, transaction => {
      transaction.respond(makeResponse(transaction.request, 486, { toTag: 'b' }));
    });
    const client = await startPeer(protocol, () => undefined);
    const target = { transport: protocol, host: '127.0.0.1', port: server.port };
    const outcome = await ask(client, makeInvite(method), target);
    expect(outcome).toMatchObject({ kind: 'response', status: 486, reason: 'Busy Here' });
  });

  test('a host name is looked up', async () => {
    const server = await startPeer(protocol, transaction => {
      transaction.respond(makeResponse(transaction.request, 200, { toTag: 'b' }));
    });
    const client = await startPeer(protocol, () => undefined);
    const target = { transport: protocol, host: 'localhost', port: server.port };
    expect(await ask(client, makeInvite('OPTIONS'), target)).toMatchObject({ status: 200 });
  });

  test('a refused destination is a transport error, long before the timeout', async () => {
    const client = await startPeer(protocol, () => undefined);
    const closed = await startPeer(protocol, () => undefined);
    await closed.close();
    const target = { transport: protocol, host: '127.0.0.1', port: closed.port };
    const outcome = await ask(client, makeInvite(), target);
    expect(outcome).toMatchObject({ code: 'REC_ERR_ENGINE_SEND' });
  });

  test('IPv6 works like IPv4', async () => {
    const server = await startPeer(
      protocol,
      transaction => {
        transaction.respond(makeResponse(transaction.request, 200, { toTag: 'b' }));
      },
      '::1',
    );
    const client = await startPeer(protocol, () => undefined, '::1');
    const target = { transport: protocol, host: '::1', port: server.port };
    const outcome = await ask(client, makeInvite('OPTIONS'), target);
    expect(outcome).toMatchObject({ status: 200 });
  });

  test('a listener on a taken port is refused with its name', async () => {
    const first = await startPeer(protocol, () => undefined);
    const second = new TransportLayer({ clock: systemClock, logger: noopLogger });
    await expect(
      second.listen({ transport: protocol, host: '127.0.0.1', port: first.port }),
    ).rejects.toMatchObject({
      code: 'REC_ERR_ENGINE_LISTEN',
      message: expect.stringContaining(`${protocol} 127.0.0.1 port ${first.port}`) as string,
    });
    await second.close();
  });
});

test('a silent UDP peer is a timeout after 64*T1', async () => {
  const silent = createSocket('udp4');
  await new Promise<void>(resolve => silent.bind(0, '127.0.0.1', () => resolve()));
  const client = await startPeer('udp', () => undefined);
  const target = { transport: 'udp', host: '127.0.0.1', port: silent.address().port } as const;
  expect(await ask(client, makeInvite(), target)).toBe('timeout');
  silent.close();
});

test('a TCP connection that is lost before the response is a transport error at once', async () => {
  const server = createServer(socket => socket.once('data', () => socket.destroy()));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = await startPeer('tcp', () => undefined);
  const outcome = await ask(client, makeInvite(), { transport: 'tcp', host: '127.0.0.1', port });
  expect(outcome).toMatchObject({ message: expect.stringContaining('was lost') as string });
  server.close();
});

test('a CRLF ping is answered, and a stream without Content-Length is refused and closed', async () => {
  const server = await startPeer('tcp', () => undefined);
  const socket = connect(server.port, '127.0.0.1');
  let received = '';
  socket.on('data', chunk => (received += chunk.toString()));
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  socket.write('\r\n\r\n');
  socket.write(
    'OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bKx\r\n' +
      'From: <sip:a@b>;tag=1\r\nTo: <sip:x@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n',
  );
  await withDeadline(systemClock, closed, 5000, () => new Error('not closed'));
  expect(received).toMatch(/^\r\nSIP\/2\.0 400 missing-content-length\r\n/);
  expect(server.transport.counters().drops).toEqual({ 'stream-missing-content-length': 1 });
});
