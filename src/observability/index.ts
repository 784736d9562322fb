export { createLogger, type LoggerOptions, type LogHandle, type LogLevel } from './logger';
export {
  type CallResult,
  createMetrics,
  type EngineTotals,
  type GatewayMetrics,
  type MediaTotals,
  type Metrics,
  type MetricSources,
  noopMetrics,
} from './metrics';
export { maskUser, redactFields, type RedactOptions, redactText } from './redact';
