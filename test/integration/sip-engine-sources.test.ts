import { waitUntil } from '../support/wait-until';
import {
  answeredCall,
  type Bench,
  endByCaller,
  RawCall,
  SDP,
  startBench,
  type TcpPeer,
  type UdpPeer,
} from './sip-engine-harness';

/** Nobody on this machine. */
const ELSEWHERE = ['192.0.2.0/24', '2001:db8::/32'];
const HERE = ['192.0.2.0/24', '127.0.0.0/8'];

let bench: Bench;

afterEach(async () => {
  await bench.close();
});

async function dropped(): Promise<number> {
  return (await bench.engine.counters()).drops['unknown-source'] ?? 0;
}

/** Answers that the peer has got to anything but this call. */
const others = (peer: UdpPeer | TcpPeer, { callId }: RawCall): number =>
  peer.count(({ kind, headers }) => kind === 'response' && headers.get('call-id') !== callId);

describe.each(['UDP', 'TCP'] as const)('known sources over %s', protocol => {
  test('nobody else gets any answer, and everybody in the list does', async () => {
    bench = await startBench({ knownSources: ELSEWHERE });
    const peer = await bench.peer(protocol);
    for (const method of ['INVITE', 'OPTIONS', 'MESSAGE', 'REGISTER', 'CANCEL', 'BYE']) {
      new RawCall(peer).request(method, 1);
    }
    // Not even that it cannot be read.
    new RawCall(peer).request('OPTIONS', 1, { extra: 'Max-Forwards: x\r\n' });
    await waitUntil(async () => (await dropped()) >= 6, 'they are dropped');

    bench.engine.setKnownSources(HERE);
    const call = new RawCall(peer);
    call.request('INVITE', 1, { body: SDP });
    const refused = await peer.response(503, 'INVITE');
    expect(refused.headers.get('call-id')).toBe(call.callId);
    // What has been answered before would stand before it.
    expect(others(peer, call)).toBe(0);
  });

  test('a call goes on when its peer is no longer known, and ends as always', async () => {
    bench = await startBench({ knownSources: HERE });
    const call = await answeredCall(bench, await bench.peer(protocol));
    bench.engine.setKnownSources(ELSEWHERE);
    await endByCaller(call);
    expect(await dropped()).toBe(0);
  });
});
