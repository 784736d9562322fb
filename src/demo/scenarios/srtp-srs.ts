import { type SipRequest } from '#sip/engine';

import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { hidden, recordingsAre, verdictIs } from '../proof/wire';
import { check, checkEqual, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';

export const srtpSrs: Scenario = {
  name: 'srtp-srs',
  title: 'Encrypted toward the recorder',
  shows:
    'a provider that wants SRTP gets it (SDES), with keys that stand in no log and no evidence',
  srs: [{ name: 'srs', options: { behaviour: noteKeys } }],
  config: () => ({
    providers: { lab: { media: { srtp: { policy: 'always', suites: [SUITE] } } } },
  }),
  async play(stage) {
    KEYS.clear();
    const call = await stage.call(ALICE, BOB);
    await stage.until(4000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const invite = session.messages[0]?.text ?? '';
    const profiles = [...invite.matchAll(/^m=audio \d+ (\S+)/gm)].map(([, profile]) => profile);
    const suites = evidence.ledger[0]?.streams.map(({ cryptoSuite }) => cryptoSuite) ?? [];
    return [
      checkEqual('profile of the streams', 'RTP/SAVP, RTP/SAVP', profiles.join(', ')),
      checkEqual('ledger: suite of the streams', `${SUITE}, ${SUITE}`, suites.join(', ')),
      check('each stream has a key of its own', KEYS.size === 2, '2 keys', KEYS.size),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, session, endMs),
      hidden('the keys', stage.outDir, [...KEYS]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};

/** What the recorder was told, to look for it afterwards. */
const KEYS = new Set<string>();

function noteKeys(invite: SipRequest): object {
  const keys = invite.body.toString('latin1').matchAll(/^a=crypto:.*inline:([A-Za-z0-9+/=]+)/gm);
  for (const [, key] of keys) {
    KEYS.add(key ?? '');
  }
  return {};
}
