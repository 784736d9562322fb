import {
  decideVerdict,
  ESTABLISHED,
  type StreamFacts,
  type VerdictFacts,
} from '../../../src/ledger';

function stream(label: string, facts: Partial<StreamFacts> = {}): StreamFacts {
  return {
    label,
    isAccepted: true,
    isUnreachable: false,
    packetsCaptured: 100,
    packetsSent: 100,
    packetsOverflowed: 0,
    packetsUnaccepted: 0,
    packetsPending: 0,
    packetsLostTowardSrs: 0,
    ...facts,
  };
}

const GOOD: VerdictFacts = {
  forbiddenBy: null,
  isAnchored: true,
  attempts: [{ result: ESTABLISHED, status: 200 }],
  srsLost: false,
  mediaLost: false,
  interrupted: false,
  internalError: null,
  streams: [stream('1'), stream('2')],
  maxReportedLossRatio: 0.01,
  gaps: [],
};
const SILENT = { packetsCaptured: 0, packetsSent: 0 };
const WAITING = { packetsSent: 0, packetsPending: 100 };
const TIMEOUT = { result: 'REC_ERR_SIP_SRS_TIMEOUT', status: null };
const REFUSED = { result: 'REC_ERR_SIP_SRS_REFUSED', status: 503 };

const CASES: [string, Partial<VerdictFacts>, string, string[]][] = [
  ['all captured packets sent', {}, 'recorded', ['complete']],
  ['one side silent', { streams: [stream('1'), stream('2', SILENT)] }, 'recorded', ['complete']],
  [
    'both sides silent',
    { streams: [stream('1', SILENT), stream('2', SILENT)] },
    'recorded',
    ['no-media'],
  ],
  [
    'the SRS reports a loss that is allowed',
    { streams: [stream('1', { packetsLostTowardSrs: 1 }), stream('2')] },
    'recorded',
    ['complete', 'loss-reported'],
  ],
  [
    'the SRS reports more loss than is allowed',
    { streams: [stream('1'), stream('2', { packetsLostTowardSrs: 2 })] },
    'partial',
    ['loss-reported'],
  ],
  [
    'a part of the time was not delivered',
    { gaps: ['not delivered from a to b: srs-lost'] },
    'partial',
    ['gap'],
  ],
  [
    'the SRS reports fewer than none (duplicates)',
    { streams: [stream('1', { packetsLostTowardSrs: -2 })] },
    'recorded',
    ['complete'],
  ],
  ['the second SRS answered', { attempts: [REFUSED, ...GOOD.attempts] }, 'recorded', ['complete']],
  [
    'overflow',
    { streams: [stream('1', { packetsSent: 90, packetsOverflowed: 10 }), stream('2')] },
    'partial',
    ['overflow'],
  ],
  [
    'a format that the SRS did not take, on both streams',
    {
      streams: ['1', '2'].map(label => stream(label, { packetsSent: 60, packetsUnaccepted: 40 })),
    },
    'partial',
    ['unaccepted-format'],
  ],
  [
    'packets pending at the end',
    { streams: [stream('1', { packetsSent: 99, packetsPending: 1 }), stream('2')] },
    'partial',
    ['pending-at-end'],
  ],
  [
    'packets of unknown fate',
    { streams: [stream('1', { packetsSent: 98 }), stream('2')] },
    'partial',
    ['unaccounted'],
  ],
  [
    'one stream refused',
    { streams: [stream('1'), stream('2', { ...WAITING, isAccepted: false })] },
    'partial',
    ['stream-refused', 'pending-at-end'],
  ],
  [
    'one stream refused on which nobody spoke',
    { streams: [stream('1'), stream('2', { ...SILENT, isAccepted: false })] },
    'partial',
    ['stream-refused'],
  ],
  [
    'one stream refused in a silent call',
    { streams: [stream('1', SILENT), stream('2', { ...SILENT, isAccepted: false })] },
    'partial',
    ['stream-refused'],
  ],
  [
    'a closed port',
    { streams: [stream('1'), stream('2', { isUnreachable: true })] },
    'partial',
    ['stream-unreachable'],
  ],
  ['the SRS hung up early', { srsLost: true }, 'partial', ['srs-lost']],
  [
    'the SRS hung up early, before anybody spoke',
    { srsLost: true, streams: [stream('1', SILENT), stream('2', SILENT)] },
    'partial',
    ['srs-lost'],
  ],
  ['the media plane lost the call', { mediaLost: true }, 'partial', ['media-lost']],
  [
    'the media plane lost the call before anybody spoke',
    { mediaLost: true, streams: [stream('1', SILENT)] },
    'failed',
    ['media-lost'],
  ],
  [
    'both streams refused',
    { streams: ['1', '2'].map(label => stream(label, { ...SILENT, isAccepted: false })) },
    'failed',
    ['stream-refused'],
  ],
  ['an SRS that answered without any stream', { streams: [] }, 'failed', ['stream-refused']],
  [
    'an SRS that stayed inactive to the end',
    { streams: [stream('1', WAITING), stream('2', SILENT)] },
    'failed',
    ['pending-at-end'],
  ],
  [
    'an SRS that never answered',
    { attempts: [TIMEOUT], streams: [stream('1', WAITING), stream('2', WAITING)] },
    'failed',
    ['srs-silent'],
  ],
  ['an SRS that refused', { attempts: [TIMEOUT, REFUSED] }, 'failed', ['srs-refused']],
  ['no SRS asked', { attempts: [], streams: [] }, 'failed', ['srs-not-tried']],
  [
    'no anchored media',
    { attempts: [], streams: [], isAnchored: false },
    'failed',
    ['media-not-anchored', 'srs-not-tried'],
  ],
  [
    'an error of the gateway',
    { attempts: [], streams: [], internalError: 'no ports left' },
    'failed',
    ['internal-error', 'srs-not-tried'],
  ],
  ['a gateway that stopped', { interrupted: true }, 'interrupted', ['gateway-stopped']],
  [
    'a gateway that stopped while packets waited',
    { interrupted: true, streams: [stream('1', WAITING)] },
    'interrupted',
    ['gateway-stopped', 'pending-at-end'],
  ],
  ['policy', { forbiddenBy: 'policy', attempts: [], streams: [] }, 'not-recorded', ['policy']],
  ['terms', { forbiddenBy: 'terms', attempts: [], streams: [] }, 'not-recorded', ['terms']],
];

describe('decideVerdict', () => {
  test.each(CASES)('%s', (_name, facts, verdict, reasons) => {
    const decision = decideVerdict({ ...GOOD, ...facts });
    expect(decision).toMatchObject({ verdict, reasons });
    expect(decision.text).not.toBe('');
  });

  test('the text tells each stream and each number', () => {
    const { text } = decideVerdict({
      ...GOOD,
      srsLost: true,
      streams: [
        stream('1', { packetsSent: 99, packetsOverflowed: 1 }),
        stream('2', { packetsSent: 95, packetsOverflowed: 5, packetsLostTowardSrs: 7 }),
      ],
    });
    expect(text).toBe(
      'the SRS went away before the recording ended; ' +
        '1 packet of stream 1 overwritten before being sent; ' +
        '5 packets of stream 2 overwritten before being sent; ' +
        '7 packets of stream 2 reported lost by the SRS',
    );
    expect(decideVerdict({ ...GOOD, attempts: [TIMEOUT, REFUSED] }).text).toBe(
      'no SRS took the recording (2 attempts, the last answer: 503)',
    );
  });
});
