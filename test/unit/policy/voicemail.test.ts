import { detectVoicemail, type VoicemailFacts } from '../../../src/policy';

const RULES = {
  matchTarget: (uri: string) => (uri.includes('9000') ? '9000' : null),
  matchPattern: (uri: string) => (uri.includes('@vm.') ? '*@vm.*' : null),
  redirectCauses: new Set(['486', 'no-answer']),
};

function facts(more: Partial<VoicemailFacts>): VoicemailFacts {
  return {
    callerTrusted: true,
    requestUri: 'sip:bob@example.com',
    diversions: [],
    historyInfo: [],
    answer: null,
    ...more,
  };
}

describe('detectVoicemail', () => {
  test.each<[string, Partial<VoicemailFacts>, string | null]>([
    ['an ordinary call', {}, null],
    ['a configured mailbox', { requestUri: 'sip:9000@pbx' }, 'target'],
    ['a pattern', { requestUri: 'sip:bob@vm.example.com' }, 'uri-pattern'],
    [
      'target and cause in the Request-URI',
      { requestUri: 'sip:x@example.com;target=sip:bob%40example.com;cause=486' },
      'request-uri-cause',
    ],
    ['a cause without a target', { requestUri: 'sip:x@example.com;cause=486' }, null],
    ['a cause in the user part', { requestUri: 'sip:x;target=1;cause=486@example.com' }, null],
    [
      'the reason of a Diversion',
      { diversions: [{ uri: 'sip:bob@x', params: { reason: 'No-Answer' } }] },
      'diversion',
    ],
    [
      'a Diversion for another reason',
      { diversions: [{ uri: 'sip:bob@x', params: { reason: 'unconditional' } }] },
      null,
    ],
    [
      'the cause of a History-Info',
      { historyInfo: [{ uri: 'sip:bob@x;cause=486', params: {} }] },
      'history-info',
    ],
    [
      'the Reason in a History-Info',
      { historyInfo: [{ uri: 'sip:bob@x?Reason=SIP%3Bcause%3D486', params: {} }] },
      'history-info',
    ],
    [
      'who answers',
      { answer: { assertedIdentities: ['sip:9000@pbx'], contact: null } },
      'answer-identity',
    ],
    [
      'where it is answered',
      { answer: { assertedIdentities: ['sip:bob@x'], contact: 'sip:mail@vm.x' } },
      'answer-contact',
    ],
    [
      'a redirection that an untrusted peer claims',
      { callerTrusted: false, diversions: [{ uri: 'sip:bob@x', params: { reason: 'no-answer' } }] },
      null,
    ],
    [
      'a cause that an untrusted peer claims',
      { callerTrusted: false, requestUri: 'sip:x@e;target=sip:b;cause=486' },
      null,
    ],
    [
      'a mailbox that an untrusted peer calls',
      { callerTrusted: false, requestUri: 'sip:9000@pbx' },
      'target',
    ],
  ])('of %s', (_, more, by) => {
    expect(detectVoicemail(facts(more), RULES)?.by ?? null).toBe(by);
  });
});
