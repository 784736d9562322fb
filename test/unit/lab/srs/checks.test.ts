import fc from 'fast-check';
import { HeaderList, makeRequest } from '#sip/engine';
import { parseSdp, type Sdp } from '../../../../src/lab/sip/sdp';
import { DeviationLog } from '../../../../src/lab/srs/deviation';
import { readRecordingBody } from '../../../../src/lab/srs/recording-body';
import {
  checkContact,
  checkCSeq,
  checkFollowingSdp,
  checkInitialInvite,
  checkSdp,
  signallingDialectOf,
} from '../../../../src/lab/srs/signalling-checks';

const SDP = [
  'v=0',
  'o=src 77 5 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0',
  'a=sendonly',
  'a=label:1',
].join('\r\n');

function bodyOf(text: string): Sdp & { text: string } {
  return { ...parseSdp(text), text };
}

function namesOf(findings: readonly { name: string }[]): string[] {
  return findings.map(({ name }) => name);
}

describe('checkFollowingSdp()', () => {
  const before = bodyOf(SDP);

  it.each([
    ['the same body again', SDP, []],
    ['a change with the next version', SDP.replace('77 5', '77 6').replace('4000', '4002'), []],
    ['a change without one', SDP.replace('4000', '4002'), ['sdp-version']],
    ['a version that leaps', SDP.replace('77 5', '77 9'), ['sdp-version']],
    ['another session', SDP.replace('77 5', '78 6'), ['sdp-origin']],
    ['a lost m-line', SDP.replace('77 5', '77 6').replace(/\r\nm=[^]*$/, ''), ['sdp-m-lines']],
  ])('judges %s', (_what, text, expected) => {
    expect(namesOf(checkFollowingSdp(before, bodyOf(text)))).toEqual(expected);
  });
});

describe('checkSdp()', () => {
  it.each([
    ['nothing', SDP, []],
    ['a missing label', SDP.replace('\r\na=label:1', ''), ['missing-label']],
    ['a label that is no token', SDP.replace('label:1', 'label:a b'), ['bad-label']],
    ['a wrong direction', SDP.replace('sendonly', 'recvonly'), ['direction']],
    ['no direction at all', SDP.replace('a=sendonly\r\n', ''), ['direction']],
    ['a profile that is none', SDP.replace('RTP/AVP', 'udp'), ['profile']],
    ['foreign formats only', SDP.replace('RTP/AVP 0', 'RTP/AVP 18'), ['formats']],
    ['a removed stream', SDP.replace('4000', '0').replace('\r\na=label:1', ''), []],
  ])('finds %s', (_what, text, expected) => {
    expect(namesOf(checkSdp(parseSdp(text)))).toEqual(expected);
  });
});

describe('checkCSeq()', () => {
  it('wants one more each time', () => {
    expect([checkCSeq(null, 7), checkCSeq(7, 8)]).toEqual([[], []]);
    expect(namesOf([...checkCSeq(7, 9), ...checkCSeq(7, 7)])).toEqual(['cseq', 'cseq']);
  });
});

describe('checkInitialInvite() and checkContact()', () => {
  const invite = (...headers: [string, string][]): ReturnType<typeof makeRequest> =>
    makeRequest('INVITE', 'sip:srs@192.0.2.9', HeaderList.of(...headers));

  it('are content with what RFC 7866 asks for', () => {
    const request = invite(
      ['Require', 'timer, siprec'],
      ['Contact', '<sip:src@192.0.2.1>;+sip.src'],
      ['Accept', 'application/sdp, application/rs-metadata-request'],
    );
    expect(checkInitialInvite(request, true)).toEqual([]);
  });

  it('name the pre-standard tag', () => {
    const [finding] = checkContact(invite(['Contact', '<sip:src@192.0.2.1>;src']));
    expect(finding).toMatchObject({ name: 'missing-src-tag' });
    expect(finding?.message).toContain('pre-standard');
  });

  it('list everything that is missing', () => {
    expect(namesOf(checkInitialInvite(invite(['Accept', 'text/plain']), false))).toEqual([
      'contact',
      'missing-require',
      'accept',
      'accept',
      'metadata-not-in-invite',
    ]);
  });
});

describe('the signalling of BroadWorks', () => {
  const invite = makeRequest(
    'INVITE',
    'sip:srs@192.0.2.9',
    HeaderList.of(['Contact', '<sip:s@192.0.2.1>;src'], ['Accept', 'application/sdp']),
    '',
  );

  it('is taken as such: no Require, src in the Contact, no word of snapshots', () => {
    expect(checkInitialInvite(invite, true, 'broadworks')).toEqual([]);
    expect(namesOf(checkInitialInvite(invite, true))).toEqual([
      'missing-src-tag',
      'missing-require',
      'accept',
    ]);
  });

  it('is known by the document of the drafts', () => {
    const dialectOf = (xml: string): string => signallingDialectOf(Buffer.from(xml));
    expect(dialectOf('<?xml version="1.0"?>\n<recording_metadata xmlns="urn:x">')).toBe(
      'broadworks',
    );
    expect(dialectOf('<recording xmlns="urn:ietf:params:xml:ns:recording:1">')).toBe('rfc7866');
    expect(signallingDialectOf(null)).toBe('rfc7866');
  });
});

describe('readRecordingBody()', () => {
  const message = (contentType: string, body: string): ReturnType<typeof makeRequest> =>
    makeRequest('INVITE', 'sip:srs@192.0.2.9', HeaderList.of(['Content-Type', contentType]), body);
  const part = (type: string, body: string, more = ''): string =>
    `--b\r\nContent-Type: ${type}\r\n${more}\r\n${body}\r\n`;
  const disposition = 'Content-Disposition: recording-session\r\n';

  it('finds both parts in any order and with either media type', () => {
    for (const type of ['application/rs-metadata', 'application/rs-metadata+xml']) {
      const parts = [part('application/sdp', SDP), part(type, '<x/>', disposition)];
      for (const ordered of [parts, [...parts].reverse()]) {
        const read = readRecordingBody(
          message('multipart/mixed;boundary=b', `${ordered.join('')}--b--`),
        );
        expect(read.findings).toEqual([]);
        expect(read.body.sdp).toBe(SDP);
        expect(read.body.metadata?.bytes.toString()).toBe('<x/>');
      }
    }
  });

  it('looks into nested parts', () => {
    const inner = `--c\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--c--`;
    const outer = part('multipart/alternative;boundary=c', inner);
    const read = readRecordingBody(message('multipart/mixed;boundary=b', `${outer}--b--`));
    expect(read.body.sdp).toBe(SDP);
  });

  it.each([
    [
      'two documents',
      'mixed',
      part('application/rs-metadata', '<x/>', disposition).repeat(2),
      ['too-many-parts'],
    ],
    ['another multipart', 'related', part('application/sdp', SDP), ['multipart-type']],
    ['no part at all', 'mixed', 'nothing', ['multipart-broken']],
  ])('finds %s', (_what, subtype, body, expected) => {
    const read = readRecordingBody(message(`multipart/${subtype};boundary=b`, `${body}--b--`));
    expect(namesOf(read.findings)).toEqual(expected);
  });

  it('takes bare bodies and none', () => {
    expect(readRecordingBody(message('application/sdp', SDP)).body.sdp).toBe(SDP);
    const empty = makeRequest('INVITE', 'sip:a@b', new HeaderList());
    expect(readRecordingBody(empty)).toEqual({ body: { sdp: null, metadata: null }, findings: [] });
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 30 }), (body, type) => {
        const contentType = `multipart/mixed;boundary=${type}`.replace(/[\r\n]/g, '');
        expect(Array.isArray(readRecordingBody(message(contentType, body)).findings)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('DeviationLog', () => {
  it('lists a thing once, with how often it was seen, and is bounded', () => {
    const log = new DeviationLog();
    const deviation = { name: 'a', clause: 'RFC 1', message: 'm', where: 'first' };
    log.add(deviation);
    log.add({ ...deviation, where: 'second' });
    expect(log.list()).toEqual([{ ...deviation, times: 2 }]);
    for (let n = 0; n < 500; n += 1) {
      log.add({ ...deviation, message: String(n) });
    }
    expect(log.list()).toHaveLength(200);
  });
});
