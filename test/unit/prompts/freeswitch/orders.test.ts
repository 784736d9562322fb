import { parseConfig } from '#config';

import { ordersOf } from '../../../../src/prompts/freeswitch/orders';

function orders(prompts: Record<string, unknown>): ReturnType<typeof ordersOf> {
  const freeswitch = { host: 'fs', secret: 's', prompts };
  const config = { prompts: { source: 'freeswitch', freeswitch } };
  return ordersOf(parseConfig(JSON.stringify(config), 'test').prompts.freeswitch!);
}

describe('what FreeSWITCH is asked for', () => {
  test('a file is played, a text is spoken by the language’s voice', () => {
    expect(
      orders({ en: { voice: 'tts_commandline:en-us', start: '/a.wav', failureEnd: 'say: Bye.' } }),
    ).toEqual([
      { promptId: 'en/start', what: { kind: 'file', path: '/a.wav' } },
      {
        promptId: 'en/failure-end',
        what: { kind: 'speech', engine: 'tts_commandline', voice: 'en-us', text: 'Bye.' },
      },
    ]);
  });

  test('in a language that the product lacks one text tells every failure', () => {
    expect(orders({ de: { failure: '/f.wav' } }).map(({ promptId }) => promptId)).toEqual([
      'de/failure',
      'de/failure-proceed',
      'de/failure-end',
    ]);
    expect(orders({ es: { failure: '/f.wav' } })).toHaveLength(1);
  });
});
