export { describeConfig, maskedConfig } from './describe';
export { type Environment, ENVIRONMENT_PREFIX } from './environment';
export { ConfigError, type ConfigProblem, formatProblem } from './errors';
export { identityKeys, type IdentityKey, parseIdentity } from './identity';
export { loadConfig, type LoadOptions, parseConfig } from './load';
export { ringBytesFor } from './media-ring';
export { matchRoute, type RouteMatch, type RouteQuery } from './route-lookup';
export {
  type DeepReadonly,
  type GatewayConfig,
  type ListenerConfig,
  type MediaConfig,
  NO_PROVIDER,
  type OrganisationConfig,
  type ProviderConfig,
  type RouteConfig,
  type SipConfig,
  type TrunkConfig,
  type UserConfig,
} from './schema';
export { readTlsFiles, type TlsFileProblem, tlsFileProblems, type TlsFiles } from './tls-files';
export { matchTrunk, type TrunkMatch } from './trunk-lookup';
export { buildUserDirectory, type DirectoryUser, type UserDirectory } from './user-directory';
export { configWarnings } from './warnings';
