import { type IdSource } from '#core';
import { type SignallingProfile } from '../ports';
import { writeMultipart } from './multipart-body';
import { RECORDING_DISPOSITION } from './signalling-profile';

export interface RecordingBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Body and describing headers of a message of a recording session (RFC 7866 §9.1): SDP and metadata together as
 * multipart/mixed, each alone as it is.
 */
export function recordingBody(
  content: { readonly sdp?: string; readonly metadata?: string },
  profile: SignallingProfile,
  ids: IdSource,
): RecordingBody {
  const { sdp, metadata } = content;
  if (metadata === undefined) {
    return { headers: { 'Content-Type': 'application/sdp' }, body: sdp ?? '' };
  }
  if (sdp === undefined) {
    return {
      headers: {
        'Content-Type': profile.metadataType,
        'Content-Disposition': RECORDING_DISPOSITION,
      },
      body: metadata,
    };
  }
  const parts = [
    { contentType: 'application/sdp', body: sdp },
    { contentType: profile.metadataType, disposition: RECORDING_DISPOSITION, body: metadata },
  ];
  const written = writeMultipart(profile.partOrder === 'sdp-first' ? parts : parts.reverse(), ids);
  return {
    headers: { 'Content-Type': written.contentType, 'MIME-Version': '1.0' },
    body: written.body,
  };
}
