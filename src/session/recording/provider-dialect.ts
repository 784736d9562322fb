import { type DialectChoice } from '#metadata';

import { type RecordingDecision } from '../../policy';
import { type CallContext } from '../call/call-context';
import { type ProviderMetadata, type ProviderSettings } from '../settings';
import { filledHeaders } from './extra-headers';
import { type RecordingMetadata } from './recording-metadata';

/** The dialect of metadata that a provider's SRS understands. Pure. */
export function dialectOf(metadata: ProviderMetadata | undefined): DialectChoice {
  if (metadata?.dialect !== 'broadworks') {
    return { name: 'rfc7865' };
  }
  const { dialect: name, schemaVersion, reportEvents: reportsEvents, displayNames } = metadata;
  return { name, schemaVersion, reportsEvents, displayNames };
}

/** A provider as one recording invites it: with the headers of its dialect, and its own ones filled in. */
export function withHeadersOf(
  provider: ProviderSettings,
  recordingId: string,
  { user }: RecordingDecision,
  metadata: Pick<RecordingMetadata, 'headers'>,
  { call }: Pick<CallContext, 'call'>,
): ProviderSettings {
  const { profile } = provider;
  const filled = filledHeaders(profile.extraHeaders, {
    callId: call.id,
    recordingId,
    userId: user.userId,
    organisationId: user.organisationId,
    ...user.platform,
  });
  const extraHeaders = { ...metadata.headers(), ...filled };
  return { ...provider, profile: { ...profile, extraHeaders } };
}
