export { createCallHandler } from './call-handler';
export { CallRegistry } from './call-registry';
export { type CallDeps } from './deps';
export {
  type ProviderSettings,
  type RouteSettings,
  type SessionSettings,
  type TrunkSettings,
} from './settings';
