export {
  type AdminServer,
  type AdminServerOptions,
  type HealthReport,
  startAdminServer,
} from './admin-server';
export { type ApiToken, isLoopback, type Scope } from './access';
export {
  type AdminOperations,
  type ChangeAnswer,
  type ParticipantChange,
  type PlatformView,
  type ProviderView,
  type UsersPort,
  type UserView,
} from './operations';
export { ProviderWatch } from './provider-watch';
