export { createLogger, type LoggerOptions, type LogHandle, type LogLevel } from './logger';
export { type CallResult, type Metrics, noopMetrics } from './call-metrics';
export { type EngineTotals } from './engine-metrics';
export { type MediaTotals } from './media-metrics';
export { createMetrics, type GatewayMetrics, type MetricSources } from './metrics';
export { maskUser, redactFields, type RedactOptions, redactText } from './redact';
