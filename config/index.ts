export { describeConfig, maskedConfig } from './describe';
export { type Environment, ENVIRONMENT_PREFIX } from './environment';
export { ConfigError, type ConfigProblem, formatProblem } from './errors';
export { identityKeys, type IdentityKey, parseIdentity } from './identity';
export {
  checkConfig,
  type ConfigSources,
  loadConfig,
  loadInSlices,
  type LoadedConfig,
  loadOverlay,
  loadWithSources,
  type LoadOptions,
  type Overlay,
  overlayFileOf,
  parseConfig,
  readSources,
} from './load';
export { patchTree } from './merge';
export { writeOverlay } from './overlay';
export { profileNames } from './profiles';
export { ringBytesFor } from './media-ring';
export { matchesUriPattern, matchRoute, type RouteMatch, type RouteQuery } from './route-lookup';
export {
  type DeepReadonly,
  type GatewayConfig,
  type ListenerConfig,
  type MediaConfig,
  type LocationConfig,
  type OrganisationConfig,
  type ProviderConfig,
  type RouteConfig,
  type SipConfig,
  type TrunkConfig,
  type UserConfig,
} from './schema';
export { readTlsFiles, type TlsFileProblem, tlsFileProblems, type TlsFiles } from './tls-files';
export { matchTrunk, type TrunkMatch } from './trunk-lookup';
export {
  buildUserDirectory,
  indexUsers,
  type DirectoryUser,
  type IdentityScope,
  type UserDirectory,
} from './user-directory';
export { configWarnings, findWarnings } from './warnings';
export { INHERIT_PROVIDER, NO_PROVIDER, RECORDING_LICENCES } from './names';
