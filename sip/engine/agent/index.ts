export { type AppDirectory, type AppPort, type AppRequestMeta } from './app-port';
export { ALLOWED_METHODS, DEFAULT_OPTION_TAGS } from './checks';
export { type AgentLimits, type AgentOptions, DEFAULT_AGENT_LIMITS } from './context';
export { UserAgent } from './user-agent';
