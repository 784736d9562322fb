import { withBench } from '../support/gateway-bench';
import { RawDialog, RawSipPeer } from '../support/raw-sip-peer';
import { waitUntil } from '../support/wait-until';
import { itOnEmbedded } from '../support/on-embedded';

const elsewhere = { other: { sources: ['192.0.2.1'], kind: 'internal' } };

describe('somebody whom no trunk knows', () => {
  test('is told so with sip.unknownSources: reject, the default', async () => {
    await withBench({ config: { trunks: elsewhere } }, async bench => {
      const peer = await RawSipPeer.open('alice');
      const dialog = new RawDialog(peer, bench.sipPort, { remoteUri: bench.uri('bob') });
      dialog.invite();
      const refused = await peer.response(403, 'INVITE');
      dialog.acknowledgeFailure(refused);
      expect(refused.startLine).toBe('SIP/2.0 403 Unknown Peer');
      await peer.close();
    });
  });

  itOnEmbedded('hears nothing with drop, until a reload makes it known', async () => {
    const sip = { unknownSources: 'drop' };
    await withBench({ fromFile: true, sip, config: { trunks: elsewhere } }, async bench => {
      const peer = await RawSipPeer.open('alice');
      for (const method of ['INVITE', 'OPTIONS', 'MESSAGE']) {
        new RawDialog(peer, bench.sipPort, { remoteUri: bench.uri('bob') }).send(method);
      }
      const dropped = async (): Promise<number> =>
        (await bench.gateway.counters()).engine?.drops['unknown-source'] ?? 0;
      await waitUntil(async () => (await dropped()) >= 3, 'they are dropped');
      expect(peer.received).toEqual([]);

      bench.rewriteConfig({ trunks: { here: { sources: ['127.0.0.0/8'], kind: 'internal' } } });
      await bench.reload();
      // The engine hears of it in its own thread, a moment later.
      await waitUntil(() => {
        new RawDialog(peer, bench.sipPort, { remoteUri: bench.uri('bob') }).send('OPTIONS');
        return peer.received.length > 0;
      }, 'an answer');
      expect((await peer.response(200, 'OPTIONS')).startLine).toBe('SIP/2.0 200 OK');
      await peer.close();
    });
  });
});
