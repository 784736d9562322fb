export { EventFeed, eventJson, type EventListener, type GatewayEvent } from './event-feed';
export { isSignedBy, SIGNATURE_HEADER, signatureHeader } from './signature';
export {
  type DeadLetterReason,
  type WebhookLimits,
  type WebhookTargetSettings,
} from './webhook-target';
export { startWebhooks, type Webhooks, type WebhooksOptions, type WebhookTotals } from './webhooks';
