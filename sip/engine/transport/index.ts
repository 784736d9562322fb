export {
  TransportLayer,
  type TransportCounters,
  type TransportLayerOptions,
} from './transport-layer';
export { resolveBySystem } from './router';
export {
  type BoundListener,
  DEFAULT_TRANSPORT_LIMITS,
  type EngineTransport,
  type Flow,
  type ListenerOptions,
  type MessageSource,
  type OutboundRoute,
  type ReplyConnection,
  type Resolve,
  type RouteResult,
  type Target,
  type TransportEvents,
  type TransportLimits,
} from './types';
