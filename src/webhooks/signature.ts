import { createHmac, timingSafeEqual } from 'node:crypto';

/** Carries the time and the signature of a webhook's body. */
export const SIGNATURE_HEADER = 'x-siprec-gateway-signature';

/**
 * `t=<seconds since the epoch>,v1=<hex>`: HMAC-SHA256 with the target's secret over `<seconds>.<body>`. The time is
 * signed, too, so that an old message cannot be sent again.
 */
export function signatureHeader(secret: string, body: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `t=${seconds},v1=${hmac(secret, seconds, body).toString('hex')}`;
}

/** What a receiver does: whether `header` is that of `body` and not older than `toleranceS`. Constant time. */
export function isSignedBy(
  secret: string,
  body: string,
  header: string,
  nowMs: number,
  toleranceS = 300,
): boolean {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header);
  if (match?.[1] === undefined || match[2] === undefined) {
    return false;
  }
  const seconds = Number(match[1]);
  const isSigned = timingSafeEqual(hmac(secret, seconds, body), Buffer.from(match[2], 'hex'));
  return isSigned && Math.abs(nowMs / 1000 - seconds) <= toleranceS;
}

function hmac(secret: string, seconds: number, body: string): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.${body}`, 'utf8').digest();
}
