export { type AppDirectory, type AppPort, type AppRequestMeta } from './app-port';
export { ALLOWED_METHODS, DEFAULT_OPTION_TAGS } from './checks';
export { type ShedReason } from './admission';
export { type AgentOptions } from './context';
export { UserAgent } from './user-agent';
