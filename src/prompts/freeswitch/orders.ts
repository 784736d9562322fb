import { type GatewayConfig } from '#config';
import { PACKAGED_LANGUAGES } from '#media';

import { type PromptOrder } from './render-protocol';

type Freeswitch = NonNullable<GatewayConfig['prompts']['freeswitch']>;
type Language = Freeswitch['prompts'][string];

const SPOKEN = 'say:';

/** The keys of the configuration, and what the prompts are called. */
const KINDS = {
  start: 'start',
  stop: 'stop',
  pause: 'pause',
  resume: 'resume',
  compliance: 'compliance',
  failure: 'failure',
  failureProceed: 'failure-proceed',
  failureEnd: 'failure-end',
} as const;

/** What FreeSWITCH is to be asked for. Pure. */
export function ordersOf({ prompts }: Freeswitch): readonly PromptOrder[] {
  return Object.entries(prompts).flatMap(([language, given]) =>
    Object.entries(KINDS).flatMap(([key, kind]) => {
      const value = given[key as keyof typeof KINDS] ?? insteadOf(key, language, given);
      return value === undefined
        ? []
        : [{ promptId: `${language}/${kind}`, what: whatOf(value, given) }];
    }),
  );
}

/** Where there is no packaged prompt to fall back on, one text tells every failure. */
function insteadOf(key: string, language: string, { failure }: Language): string | undefined {
  return key.startsWith('failure') && !PACKAGED_LANGUAGES.includes(language) ? failure : undefined;
}

function whatOf(value: string, { voice = '' }: Language): PromptOrder['what'] {
  if (!value.startsWith(SPOKEN)) {
    return { kind: 'file', path: value };
  }
  const colon = voice.indexOf(':');
  return {
    kind: 'speech',
    engine: voice.slice(0, colon),
    voice: voice.slice(colon + 1),
    text: value.slice(SPOKEN.length).trim(),
  };
}
