/** Seconds from the NTP epoch (1900) to the Unix epoch (1970), RFC 5905 §6. */
const NTP_UNIX_OFFSET_S = 2_208_988_800;

/** Upper word of a 64-bit NTP timestamp: seconds since 1900, modulo 2³². @param wallMs ms since 1970. */
export function ntpSeconds(wallMs: number): number {
  return (Math.floor(wallMs / 1000) + NTP_UNIX_OFFSET_S) >>> 0;
}

/** Lower word of a 64-bit NTP timestamp: fraction of a second in units of 2⁻³² s. */
export function ntpFraction(wallMs: number): number {
  const ms = wallMs - Math.floor(wallMs / 1000) * 1000;
  return Math.floor((ms * 0x1_0000_0000) / 1000) >>> 0;
}

/** The middle 32 bits of an NTP timestamp (RFC 3550 §4), the form of LSR. */
export function ntpMiddle(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

/** A duration in units of 2⁻¹⁶ s, the form of DLSR. */
export function toDlsr(durationMs: number): number {
  return Math.min(0xffff_ffff, Math.max(0, Math.floor((durationMs * 0x1_0000) / 1000))) >>> 0;
}
