import { liveCallIsWhole, nothingLeftOpen } from '../proof/call-proof';
import { noRecorderTouched } from '../proof/wire';
import { type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

export const never: Scenario = {
  name: 'never',
  title: 'A call that is not recorded',
  shows: 'for a user who is never recorded no recorder gets a message or a packet',
  config: () => ({
    ...recordedUsers({ alice: { mode: 'never' } }),
    // Without it the gateway would ask the recorder now and then whether it lives, calls or not.
    providers: { lab: { failover: { optionsIntervalMs: 0 } } },
  }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(3000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    return [
      ...liveCallIsWhole(stage, call, endMs),
      ...(await noRecorderTouched(stage, evidence)),
      nothingLeftOpen(evidence),
    ];
  },
};
