export { AdminServer, type AdminServerOptions } from './admin-server';
export { type AppConnectionLimits } from './app-connection';
