import { type PayloadFormat, PCMA, PCMU } from '#core';

import { pauseCanBeFilled } from '../../../../src/session/recording-session/recording-gate';
import { answer } from './recording-session-bench';

const OPUS: PayloadFormat = {
  payloadType: 111,
  encoding: 'OPUS',
  clockRateHz: 48_000,
  channels: 2,
};
const EVENT: PayloadFormat = { ...PCMU, payloadType: 101, encoding: 'TELEPHONE-EVENT' };

describe('whether a pause can be filled with silence', () => {
  test.each([
    ['codecs with a known silence', [[PCMU, EVENT], [PCMA]], [], true],
    ['one offered codec without', [[PCMU], [PCMU, OPUS]], [], false],
    ['which the SRS did not take', [[PCMU], [PCMU, OPUS]], [answer(1), answer(3)], true],
    [
      'which the SRS took',
      [[PCMU], [OPUS]],
      [answer(1), { ...answer(3)!, formats: [OPUS] }],
      false,
    ],
    ['a stream that the SRS refused', [[PCMU], [OPUS]], [answer(1), null], true],
  ])('%s', (_, offered, answers, expected) => {
    expect(pauseCanBeFilled(offered, answers)).toBe(expected);
  });
});
