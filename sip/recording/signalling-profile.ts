import { type SignallingProfile } from '../ports';

/** The recording session as RFC 7866 (updated by RFC 9806) describes it. */
export const RFC7866_PROFILE: SignallingProfile = {
  requireSiprec: true,
  contactTag: '+sip.src',
  metadataType: 'application/rs-metadata+xml',
  partOrder: 'sdp-first',
  extraHeaders: {},
};

/** Types under which a recording's metadata, and requests for it, travel. */
export const METADATA_TYPES: ReadonlySet<string> = new Set([
  'application/rs-metadata+xml',
  'application/rs-metadata',
  'application/rs-metadata-request',
]);

/** Accept of the recording session (RFC 7866 §9.1). */
export const RECORDING_ACCEPT =
  'application/sdp, application/rs-metadata+xml, application/rs-metadata, application/rs-metadata-request, multipart/mixed';

/** Methods that we take within a recording session. */
export const RECORDING_ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE';

/** Content-Disposition of metadata (RFC 7866 §9.1). */
export const RECORDING_DISPOSITION = 'recording-session';
