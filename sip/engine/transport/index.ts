export {
  TransportLayer,
  type TransportCounters,
  type TransportLayerOptions,
} from './transport-layer';
export { type DnsClient, systemDns } from './dns-client';
export { makeResolve, orderRecords } from './server-location';
export {
  type BoundListener,
  type ClientTls,
  type ClientTlsOptions,
  type ConnectionPeer,
  type EngineTransport,
  type Flow,
  type ListenerOptions,
  type MessageSource,
  type OutboundRoute,
  type LookUp,
  type ReplyConnection,
  type Resolve,
  type ResolvedAddress,
  type RouteResult,
  type RouteTls,
  type ServerTls,
  type Target,
  type TlsVersion,
  type TransportEvents,
  type Usable,
} from './types';
