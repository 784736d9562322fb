import { readTlsFiles, type SipConfig } from '#config';
import { type ClientTls, type EmbeddedEngineOptions, type EngineListener } from '#sip/engine';

/**
 * Where the embedded engine listens, how it connects and whom it asks for names, with the PEM files read.
 * @throws the error of the file system for a file that has gone since the configuration was checked
 */
export function engineTransports({
  listeners,
  tls,
  dns,
}: SipConfig): Pick<EmbeddedEngineOptions, 'listeners' | 'tls' | 'dnsServers'> {
  const { peers, ...general } = tls;
  return {
    listeners: listeners.map(({ tls: listenerTls, ...listener }): EngineListener =>
      listenerTls === undefined
        ? listener
        : { ...listener, tls: { ...listenerTls, ...readTlsFiles(listenerTls) } },
    ),
    tls: {
      ...withTexts(general),
      peers: Object.fromEntries(
        Object.entries(peers).map(([name, peer]) => [name, withTexts(peer)]),
      ),
    },
    ...(dns.servers.length === 0 ? {} : { dnsServers: dns.servers }),
  };
}

function withTexts(tls: ClientTls): ClientTls {
  return { ...tls, ...readTlsFiles(tls) };
}
