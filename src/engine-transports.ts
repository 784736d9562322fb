import { type GatewayConfig, type ProviderConfig, readTlsFiles, type SipConfig } from '#config';
import { type ClientTls, type EmbeddedEngineOptions, type EngineListener } from '#sip/engine';

/**
 * Where the embedded engine listens, how it connects and whom it asks for names, with the PEM files read.
 * @throws the error of the file system for a file that has gone since the configuration was checked
 */
export function engineTransports(
  { listeners, tls, dns }: SipConfig,
  providers: Readonly<Record<string, Pick<ProviderConfig, 'targets' | 'tls'>>> = {},
): Pick<EmbeddedEngineOptions, 'listeners' | 'tls' | 'dnsServers'> {
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
        Object.entries({ ...providerPeers(providers, general), ...peers }).map(([name, peer]) => [
          name,
          withTexts(peer),
        ]),
      ),
    },
    ...(dns.servers.length === 0 ? {} : { dnsServers: dns.servers }),
  };
}

/** Whose requests the embedded engine looks at: null: everybody's, and the gateway says 403 to those whom it does not know. */
export function knownSources({
  sip,
  trunks,
}: Pick<GatewayConfig, 'sip' | 'trunks'>): readonly string[] | null {
  return sip.unknownSources === 'drop'
    ? Object.values(trunks).flatMap(({ sources }) => sources)
    : null;
}

/**
 * How the recorders of a provider with TLS settings of its own are connected to; `sip.tls.peers` wins. What they leave out is as
 * for everybody.
 */
function providerPeers(
  providers: Readonly<Record<string, Pick<ProviderConfig, 'targets' | 'tls'>>>,
  general: ClientTls,
): Readonly<Record<string, ClientTls>> {
  return Object.fromEntries(
    Object.values(providers).flatMap(({ targets, tls }) =>
      tls === undefined
        ? []
        : targets.flatMap(({ uri }) => {
            const peer = tlsPeerOf(uri);
            return peer === null ? [] : [[peer, { ...general, ...tls }] as const];
          }),
    ),
  );
}

/** `host:port` of a target that is reached by TLS; null: it is not. Without a port it may be any (SRV): the host alone. */
function tlsPeerOf(uri: string): string | null {
  const [, scheme = '', host, port, parameters = ''] =
    /^(sips?):(?:[^@]*@)?(\[[^\]]+\]|[^:;?]+)(?::(\d+))?([^?]*)/i.exec(uri) ?? [];
  const isTls = scheme.toLowerCase() === 'sips' || /;transport=tls(;|$)/i.test(parameters);
  return host === undefined || !isTls ? null : port === undefined ? host : `${host}:${port}`;
}

function withTexts(tls: ClientTls): ClientTls {
  return { ...tls, ...readTlsFiles(tls) };
}
