import { liveCallIsWhole, nothingLeftOpen } from '../proof/call-proof';
import { speaks } from '../proof/ear';
import { recorderCounts, untouched } from '../proof/wire';
import { type Scenario } from '../scenario';
import { addressOf, ALICE, BOB, DAVE } from '../stage/places';

export const never: Scenario = {
  name: 'never',
  title: 'A call that is not recorded',
  shows:
    'for a user who is never recorded, and where there is no provider, no recorder gets a message or a packet',
  phones: [{ party: ALICE }, { party: BOB }, { party: DAVE }],
  config: () => ({
    organisations: {
      demo: {
        locations: { unrecorded: { provider: 'none' } },
        users: {
          alice: { identities: [addressOf(ALICE)], recording: { mode: 'never' } },
          dave: {
            identities: [addressOf(DAVE)],
            location: 'unrecorded',
            recording: { mode: 'always' },
          },
        },
      },
    },
    // Without it the gateway would ask the recorder now and then whether it lives, calls or not.
    providers: { lab: { failover: { optionsIntervalMs: 0 } } },
  }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(3000);
    const endMs = await stage.hangUp(call);
    const without = await stage.call(DAVE, BOB);
    const againMs = stage.nowMs();
    await stage.pause(2000);
    const againEndMs = await stage.hangUp(without);
    const evidence = await stage.evidence();
    return [
      ...liveCallIsWhole(stage, call, endMs),
      speaks("live, dave's ear", stage.heard(without.caller), BOB, [
        [againMs + 500, againEndMs - 100],
      ]),
      ...untouched('', await recorderCounts(stage)),
      nothingLeftOpen(evidence),
    ];
  },
};
