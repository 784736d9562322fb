import { type PayloadFormat } from '#core';

import { recordingFormats } from '../../../../src/session/recording/recording-formats';

function format(payloadType: number, encoding: string, clockRateHz = 8000): PayloadFormat {
  return { payloadType, encoding, clockRateHz, channels: 1 };
}

const PCMU = format(0, 'PCMU');
const PCMA = format(8, 'PCMA');
const G722 = format(9, 'G722');
const L16 = format(97, 'L16', 16_000);
const OPUS = { ...format(111, 'OPUS', 48_000), channels: 2 };
const EVENT = format(101, 'TELEPHONE-EVENT');
const CN = format(13, 'CN');

describe('formats toward a recorder', () => {
  it.each([
    [
      'offers what the provider takes',
      [PCMU, PCMA, EVENT],
      ['PCMU', 'PCMA'],
      [PCMU, PCMA, EVENT],
      [],
    ],
    ['makes what it takes, in its order', [G722, EVENT], ['PCMA', 'PCMU'], [PCMA, PCMU, EVENT], []],
    ['makes the G.711 that the leg has as well', [G722, PCMU], ['PCMA', 'PCMU'], [PCMU], []],
    ['makes the other law', [PCMU, EVENT], ['PCMA'], [PCMA, EVENT], []],
    ['makes G.711 of L16', [L16], ['PCMU'], [PCMU], []],
    ['keeps G.722 where it is taken', [G722, EVENT], ['G722', 'PCMU'], [G722, EVENT], []],
    ['offers what cannot be made', [OPUS, EVENT], ['PCMU'], [OPUS, EVENT], ['OPUS']],
    ['offers it last beside what can', [OPUS, G722], ['PCMU'], [PCMU, OPUS], ['OPUS']],
    ['makes nothing that it cannot', [G722], ['OPUS'], [G722], ['G722']],
    ['adds G.711 where all is taken', [G722, EVENT], undefined, [G722, PCMU, PCMA, EVENT], []],
    ['adds nothing where it is there', [G722, PCMA], undefined, [G722, PCMA], []],
    ['leaves what it cannot read alone', [OPUS], undefined, [OPUS], []],
    ['has nothing for a leg of which nothing is known', [], ['PCMU'], [], []],
  ])('%s', (_, leg, codecs, offered, untranscodable) => {
    const chosen = recordingFormats(leg, codecs === undefined ? {} : { codecs });

    expect(chosen.offered).toEqual(offered);
    expect(chosen.untranscodable).toEqual(untranscodable);
  });

  it('takes a payload type that the leg does not use', () => {
    const { offered, rules } = recordingFormats([format(0, 'G722'), format(96, 'CN')], {
      codecs: ['PCMU'],
    });

    expect(offered[0]).toEqual(format(97, 'PCMU'));
    expect(rules.transcodeTo).toEqual(offered[0]);
  });

  it('leaves events and noise out where the provider wants none', () => {
    const { offered, rules } = recordingFormats([PCMU, EVENT, CN], {
      dtmf: 'drop',
      comfortNoise: 'drop',
    });

    expect(offered).toEqual([PCMU]);
    expect(rules).toMatchObject({ keep: null, dtmf: 'drop', comfortNoise: 'drop' });
  });
});
