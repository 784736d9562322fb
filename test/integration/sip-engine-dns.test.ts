import { createSocket } from 'node:dgram';
import { DnsServer, type DnsRecord } from '../support/dns-server';
import { TestCa } from '../support/test-ca';
import {
  type Bench,
  failureOf,
  respond,
  SDP,
  startBench,
  TcpPeer,
  type UdpPeer,
  within,
} from './sip-engine-harness';

let bench: Bench;
let dns: DnsServer;
const zone: Record<string, readonly DnsRecord[]> = {};

beforeAll(async () => {
  dns = await DnsServer.start(zone);
});

afterAll(() => dns.close());

beforeEach(async () => {
  // The server holds on to it: names are only emptied.
  for (const name of Object.keys(zone)) {
    zone[name] = [];
  }
  dns.asked.length = 0;
  bench = await startBench({ dnsServers: [dns.address] });
});

afterEach(async () => {
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

function address(): DnsRecord {
  return { type: 'A', address: '127.0.0.1' };
}

function srv(port: number, priority = 1, name = 'host.example.com'): DnsRecord {
  return { type: 'SRV', priority, weight: 0, port, name };
}

/** Calls `uri`; the peer that gets the INVITE refuses. */
async function expectReached(uri: string, peer: UdpPeer | TcpPeer): Promise<void> {
  const calling = failureOf(bench.srf.createUAC(uri, { localSdp: SDP }));
  respond(peer, await peer.request('INVITE'), 486, { tag: 'no' });
  await peer.request('ACK');
  expect(await within('refusal', calling)).toMatchObject({ status: 486 });
}

/** A UDP port on which nobody listens. */
async function deadPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>(closed => socket.close(closed));
  return port;
}

describe('a name is found', () => {
  test('by its SRV records for the transport of the URI', async () => {
    const peer = await bench.peer('TCP');
    zone['example.com'] = [];
    zone['_sip._tcp.example.com'] = [srv(peer.port)];
    zone['host.example.com'] = [address()];
    await expectReached('sip:bob@example.com;transport=tcp', peer);
    expect(dns.asked).toContain('SRV _sip._tcp.example.com');
    expect(dns.asked).not.toContain('NAPTR example.com');
  });

  test('by NAPTR, when the URI names no transport', async () => {
    const peer = await bench.peer('TCP');
    zone['example.com'] = [
      {
        type: 'NAPTR',
        order: 1,
        preference: 1,
        service: 'SIP+D2T',
        replacement: '_sip._tcp.other.example.com',
      },
    ];
    zone['_sip._tcp.other.example.com'] = [srv(peer.port)];
    zone['host.example.com'] = [address()];
    await expectReached('sip:bob@example.com', peer);
  });

  test('by the SRV records of UDP first, when it has no NAPTR', async () => {
    const peer = await bench.peer('UDP');
    zone['example.com'] = [];
    zone['_sip._udp.example.com'] = [srv(peer.port)];
    zone['host.example.com'] = [address()];
    await expectReached('sip:bob@example.com', peer);
  });

  test('by its addresses alone, when the URI has a port', async () => {
    const peer = await bench.peer('UDP');
    zone['example.com'] = [address()];
    await expectReached(`sip:bob@example.com:${peer.port}`, peer);
    expect(dns.asked.filter(question => !question.startsWith('A '))).toEqual([]);
  });

  test('once for the calls of a TTL', async () => {
    const peer = await bench.peer('UDP');
    zone['example.com'] = [address()];
    for (let i = 0; i < 3; i++) {
      await expectReached(`sip:bob@example.com:${peer.port}`, peer);
    }
    expect(dns.asked).toEqual(['A example.com']);
  });

  test('not at all: 503', async () => {
    const failure = failureOf(bench.srf.createUAC('sip:bob@example.com', { localSdp: SDP }));
    expect(await within('failure', failure)).toMatchObject({ status: 503 });
  });
});

describe('the next address gets the request', () => {
  beforeEach(() => {
    zone['host.example.com'] = [address()];
    zone['example.com'] = [];
  });

  test('when the first refuses the connection; and it comes first from then on', async () => {
    const peer = await bench.peer('TCP');
    zone['_sip._tcp.example.com'] = [srv(await deadPort(), 1), srv(peer.port, 2)];
    await expectReached('sip:bob@example.com;transport=tcp', peer);
    const { drops } = await bench.engine.counters();
    expect(drops['failover']).toBe(1);
    await expectReached('sip:bob@example.com;transport=tcp', peer);
    expect((await bench.engine.counters()).drops['failover']).toBe(1);
  });

  test('when the first says 503', async () => {
    const [busy, peer] = [await bench.peer('UDP'), await bench.peer('UDP')];
    zone['_sip._udp.example.com'] = [srv(busy.port, 1), srv(peer.port, 2)];
    const reached = expectReached('sip:bob@example.com', peer);
    respond(busy, await busy.request('INVITE'), 503, { tag: 'busy' });
    await busy.request('ACK');
    await reached;
  });

  test('when the first is silent, which is left alone from then on', async () => {
    const [silent, peer] = [await bench.peer('UDP'), await bench.peer('UDP')];
    zone['_sip._udp.example.com'] = [srv(silent.port, 1), srv(peer.port, 2)];
    await expectReached('sip:bob@example.com', peer);
    const asked = silent.count(() => true);
    expect(asked).toBeGreaterThan(0);
    await expectReached('sip:bob@example.com', peer);
  });
});

test('a certificate is for the name before the look-up, not for that of the SRV record', async () => {
  const ca = new TestCa();
  const peers: TcpPeer[] = [];
  try {
    await bench.close();
    const own = ca.issue(['IP:127.0.0.1']);
    bench = await startBench({
      listeners: [{ transport: 'tls', host: '127.0.0.1', port: 0, tls: own }],
      dnsServers: [dns.address],
      tls: { ca: ca.cert },
    });
    const peer = async (name: string): Promise<TcpPeer> => {
      const { cert, key } = ca.issue([name]);
      peers.push(await TcpPeer.start(0, { server: { cert, key }, client: {} }));
      return peers.at(-1)!;
    };
    const domain = await peer('URI:sip:example.com');
    const host = await peer('DNS:host.example.com');
    zone['host.example.com'] = [address()];
    zone['_sips._tcp.example.com'] = [srv(host.port, 1), srv(domain.port, 2)];
    await expectReached('sips:bob@example.com', domain);
    expect((await bench.engine.counters()).drops).toMatchObject({ 'tls-connect': 1, failover: 1 });
  } finally {
    for (const each of peers) {
      each.close();
    }
    ca.close();
  }
});
