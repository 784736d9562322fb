import { type ConfigOverlay } from '../scenario';
import { addressOf, ALICE } from './places';

/** How the recording platform knows alice. The BroadWorks dialect names her so on label 1. */
export const PLATFORM = {
  serviceProvider: 'WBV000001',
  externalGroup: 'WBV000001L7',
  externalIdentifier: 'alice00001@12345678.int10.bcld.example.com',
} as const;

/** The stage's recorder is one for Webex Calling: it is spoken to as the profile of such a provider says. */
export function broadworksConfig(
  recording: Readonly<Record<string, unknown>>,
  more: ConfigOverlay = {},
): ConfigOverlay {
  const { serviceProvider, externalGroup, externalIdentifier } = PLATFORM;
  return {
    // Nobody has to agree to terms of this recorder.
    providers: { lab: { profile: 'dubber', termsOfService: 'none' } },
    organisations: {
      demo: {
        serviceProvider,
        externalGroup,
        users: {
          alice: {
            identities: [addressOf(ALICE)],
            externalIdentifier,
            recording: { reminderTone: { enabled: false }, ...recording },
          },
        },
      },
    },
    ...more,
  };
}
