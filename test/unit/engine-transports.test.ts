import { parseConfig } from '#config';

import { engineTransports, knownSources } from '../../src/engine-transports';

const target = (uri: string): { uri: string; priority: number; weight: number } => ({
  uri,
  priority: 0,
  weight: 1,
});

test('TLS settings of a provider hold for its TLS targets; what they leave out is as for everybody, sip.tls.peers wins', () => {
  const { sip } = parseConfig(
    JSON.stringify({
      sip: { tls: { peers: { 'srs.example.net:5061': { serverName: 'peer.example.net' } } } },
    }),
    'test',
  );
  const lab = {
    targets: [
      target('sip:srs.example.net:5061;transport=tls'),
      target('sip:second.example.net:5071;transport=tls'),
      target('sips:user@[::1]:5072'),
      target('sip:srv.example.net;transport=tls'),
      target('sip:plain.example.net:5060;transport=tcp'),
    ],
    tls: { serverName: 'recorder.example.net', minVersion: 'TLSv1.3' as const },
  };
  const other = { targets: [target('sip:other.example.net:5061;transport=tls')] };
  const peers = engineTransports(sip, { lab, other }).tls?.peers ?? {};
  expect(Object.keys(peers).sort()).toEqual([
    '[::1]:5072',
    'second.example.net:5071',
    'srs.example.net:5061',
    'srv.example.net',
  ]);
  for (const name of ['second.example.net:5071', 'srv.example.net', '[::1]:5072']) {
    expect(peers[name]).toMatchObject(lab.tls);
  }
  expect(peers['srs.example.net:5061']).toMatchObject({ serverName: 'peer.example.net' });
});

test('with sip.unknownSources: drop the engine knows the sources of all trunks, otherwise everybody', () => {
  const trunks = {
    one: { sources: ['192.0.2.1', '10.0.0.0/8'], kind: 'pstn' },
    two: { sources: ['2001:db8::/32'], kind: 'internal' },
  };
  const known = (sip: object): unknown =>
    knownSources(parseConfig(JSON.stringify({ sip, trunks }), 'test'));
  expect(known({})).toBeNull();
  expect(known({ unknownSources: 'drop' })).toEqual(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32']);
  const drachtio = { engine: 'drachtio', drachtio: { host: 'd', secret: 'secret' } };
  expect(() => known({ ...drachtio, unknownSources: 'drop' })).toThrow(
    /sip\.unknownSources.*cannot be drop/,
  );
});
