import { parseConfig } from '#config';
import { systemClock } from '#core';

import { ALICE, BOB } from '../../../src/demo/stage/places';
import { StagePki } from '../../../src/demo/stage/stage-pki';
import { merged, recordedUsers, stageConfig } from '../../../src/demo/stage/stage-config';

const PLACES = {
  outDir: '/tmp/x',
  pki: new StagePki(systemClock),
  credentials: {
    apiToken: '0123456789abcdef',
    webhookSecret: '0123456789abcdef',
    webhookUrl: 'http://127.0.0.1:8080/',
  },
  srsUris: ['sip:srs@127.0.0.1:5090;transport=tcp', 'sip:srs@127.0.0.1:5091;transport=tcp'],
  nextHops: { alice: 'sip:127.0.0.1:5070', bob: 'sip:127.0.0.1:5080' },
};

describe('the configuration of a stage', () => {
  test('objects are merged key by key, everything else is replaced', () => {
    expect(merged({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3] }, e: null })).toEqual({
      a: { b: 1, c: [3] },
      d: 1,
      e: null,
    });
  });

  test('it is one that the gateway takes, with the overlay in it', () => {
    const overlay = recordedUsers({ alice: { mode: 'on-demand' }, bob: { mode: 'never' } });
    const text = stageConfig([{ party: ALICE }, { party: BOB }], PLACES, overlay);
    const config = parseConfig(text, 'stage');
    expect(config.organisations['demo']?.users['alice']?.recording.mode).toBe('on-demand');
    expect(config.providers['lab']?.targets.map(({ priority }) => priority)).toEqual([0, 1]);
  });
});
