/** Seconds from 1900, where NTP begins, to 1970 (RFC 868). */
const NTP_OFFSET_S = 2_208_988_800;

/** A 64-bit NTP timestamp (RFC 3550 §4): seconds since 1900 and a binary fraction. */
export interface NtpTime {
  readonly seconds: number;
  /** In 1/2^32 s. */
  readonly fraction: number;
}

/** @param ms milliseconds since 1970, with fractions. */
export function ntpOfMs(ms: number): NtpTime {
  const seconds = Math.floor(ms / 1000);
  const fraction = Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32);
  return { seconds: (seconds + NTP_OFFSET_S) >>> 0, fraction: fraction >>> 0 };
}

/** @returns milliseconds since 1970, with fractions. */
export function msOfNtp(ntp: NtpTime): number {
  return (ntp.seconds - NTP_OFFSET_S) * 1000 + (ntp.fraction / 2 ** 32) * 1000;
}
