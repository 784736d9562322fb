export { createCallHandler } from './call-handler';
export { CallRegistry } from './call-registry';
export { type RecordedCallDeps } from './recorded-call';
export {
  type ProviderSettings,
  type RouteSettings,
  type SessionSettings,
  type TrunkSettings,
} from './settings';
