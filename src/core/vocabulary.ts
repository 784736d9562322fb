/** The words of the domain as closed unions; see the glossary in docs/glossary.md. */

/** Role of a live leg: towards the caller (we are UAS) or towards the callee (we are UAC). */
export type LegRole = 'caller' | 'callee';
export const LEG_ROLES: readonly LegRole[] = ['caller', 'callee'];

/** The other leg of a two-party call. */
export function otherRole(role: LegRole): LegRole {
  return role === 'caller' ? 'callee' : 'caller';
}

/** Whether a trunk or route leads into the organisation or out to the public network. */
export type NetworkKind = 'internal' | 'pstn';

/** Per-user recording mode (Webex Calling / BroadWorks). */
export type RecordingMode =
  'never' | 'always' | 'always-with-pause-resume' | 'on-demand' | 'on-demand-keep';

/** SDP media direction (RFC 8866 §6.7), always from the point of view of whoever wrote the SDP. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Transport protocols of SIP that the product knows. */
export type SipTransport = 'udp' | 'tcp' | 'tls';

/** Crypto suites of SRTP that the product does (RFC 4568 §6.2, RFC 7714 §14.1), strongest first. */
export const SRTP_SUITES = [
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
] as const;
export type SrtpSuite = (typeof SRTP_SUITES)[number];
