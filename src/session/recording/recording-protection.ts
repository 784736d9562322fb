import { type RemoteStream, type SrtpSuite } from '#core';

import { type ProviderSrtp } from '../settings';

/** What a provider without settings of its own gets: no less than its calls have. */
export const DEFAULT_PROVIDER_SRTP: ProviderSrtp = {
  policy: 'when-live-is-secure',
  suites: ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
};

/** `refused`: the recording would be less protected than the call, and nobody has allowed that. */
export type RecordingProtection =
  | { readonly kind: 'plain' }
  | { readonly kind: 'srtp'; readonly suites: readonly SrtpSuite[] }
  | { readonly kind: 'refused' };

/**
 * How the streams of a recording are protected (RFC 7866 §12.2): never less, and with keys never shorter, than any leg of
 * the call, unless the provider's settings say so explicitly. Pure.
 *
 * @param live what the peers of the call's legs have said about their streams.
 */
export function recordingProtection(
  { policy, suites, allowLessProtected = false }: ProviderSrtp,
  live: readonly Pick<RemoteStream, 'crypto'>[],
): RecordingProtection {
  const liveKeyBits = Math.max(
    0,
    ...live.map(({ crypto }) => (crypto ? keyBits(crypto.suite) : 0)),
  );
  if (policy === 'never' || (policy === 'when-live-is-secure' && liveKeyBits === 0)) {
    return liveKeyBits === 0 || allowLessProtected ? { kind: 'plain' } : { kind: 'refused' };
  }
  const strongEnough = allowLessProtected
    ? suites
    : suites.filter(suite => keyBits(suite) >= liveKeyBits);
  return strongEnough.length > 0 ? { kind: 'srtp', suites: strongEnough } : { kind: 'refused' };
}

function keyBits(suite: SrtpSuite): number {
  return suite === 'AEAD_AES_256_GCM' ? 256 : 128;
}
