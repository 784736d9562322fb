import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  directionOf,
  formatSdp,
  isSipError,
  mediaAttributes,
  type MediaDescription,
  parseSdp,
} from '#sip';

const SDP = [
  'v=0',
  'o=alice 1 2 IN IP4 10.0.0.1',
  's=-',
  'i=info',
  'b=X-YZ:128',
  't=0 0',
  'k=clear:x',
  'a=x-odd thing',
  'm=audio 49170/2 RTP/AVP 0 96',
  'c=IN IP4 10.0.0.2/127',
  'a=rtpmap:96 opus/48000/2',
  'a=fmtp:96 useinbandfec=1; x',
  'a=rtcp:5000 IN IP4 10.0.0.3',
  'a=ptime:30',
  'a=unknown:what ever',
  'a=rtcp-mux',
  'a=label:7',
  'm=video 0 RTP/AVP 31',
  '',
].join('\r\n');

function first(text: string): MediaDescription {
  const [media] = parseSdp(text).media;
  if (media === undefined) {
    throw new Error('no media');
  }
  return media;
}

function failure(text: string): { line: unknown; text: unknown } | null {
  try {
    parseSdp(text);
    return null;
  } catch (error) {
    expect(isSipError(error, 'REC_ERR_SIP_BAD_SDP')).toBe(true);
    return isSipError(error) ? (error.details as { line: unknown; text: unknown }) : null;
  }
}

describe('a session description', () => {
  it('is printed as it was read, unknown lines and their order included', () => {
    expect(formatSdp(parseSdp(SDP))).toBe(SDP);
  });

  it('may have bare line feeds and lack the last line end', () => {
    expect(formatSdp(parseSdp(SDP.replaceAll('\r\n', '\n').trimEnd()))).toBe(SDP);
  });

  it('is printed with one octet for each character', () => {
    expect(formatSdp(parseSdp(SDP.replace('s=-', 's=Müller 😀')))).toContain('s=M?ller ??\r\n');
  });

  it('decodes the attributes of an m-line', () => {
    expect(mediaAttributes(first(SDP))).toEqual({
      rtpmaps: [{ payloadType: 96, encoding: 'OPUS', clockRateHz: 48_000, channels: 2 }],
      fmtps: [{ payloadType: 96, value: 'useinbandfec=1; x' }],
      ptimeMs: 30,
      rtcp: { port: 5_000, host: '10.0.0.3' },
      rtcpMux: true,
      label: '7',
    });
  });

  it('takes the direction of the m-line before that of the session', () => {
    const text = SDP.replace('t=0 0', 't=0 0\r\na=inactive');
    const session = parseSdp(text);
    expect(directionOf(session, first(text))).toBe('inactive');
    const both = text.replace('a=ptime:30', 'a=sendonly');
    expect(directionOf(parseSdp(both), first(both))).toBe('sendonly');
    expect(directionOf(parseSdp(SDP), first(SDP))).toBe('sendrecv');
  });

  it.each([
    ['nothing', '', 1],
    ['garbage', 'hello', 1],
    ['another version', SDP.replace('v=0', 'v=1'), 1],
    ['a line that is none', SDP.replace('s=-', 'nonsense'), 3],
    ['an m-line without port', SDP.replace('audio 49170/2 RTP', 'audio RTP'), 9],
    ['an m-line without format', SDP.replace(' 0 96', ''), 9],
    ['a port out of range', SDP.replace('49170/2', '70000'), 9],
    ['no c= line', SDP.replace('c=IN IP4 10.0.0.2/127\r\n', ''), 9],
    ['an unusable c= line', SDP.replace('c=IN IP4', 'c=IN X'), 9],
    ['an endless line', SDP.replace('s=-', `s=${'x'.repeat(5_000)}`), 3],
    ['a NUL', SDP.replace('s=-', 's=\u0000'), 3],
  ])('with %s is refused, naming the line', (_what, text, line) => {
    expect(failure(text)?.line).toBe(line);
  });

  it('is bounded', () => {
    expect(failure(`${SDP}${'a=x\r\n'.repeat(3_000)}`)).not.toBeNull();
    expect(failure(`${SDP}${'m=audio 0 RTP/AVP 0\r\n'.repeat(100)}`)).not.toBeNull();
    expect(failure('v=0\r\n'.padEnd(70_000, 'x'))).not.toBeNull();
  });

  it('cut anywhere is read or refused with a typed error', () => {
    for (let length = 0; length < SDP.length; length++) {
      failure(SDP.slice(0, length));
    }
    expect(failure(SDP)).toBeNull();
  });

  it('that is accepted is written so that it is accepted again, and says the same', () => {
    // What a regular expression may take for blank, printable or a line end, and the writer does not.
    const blanks =
      '\u00a0 \u0085 \u2028 \u2029 \ufeff \u3000 \v \f \b \x7f \t \r \n / ? \u0130 \u017f \u212a 😀';
    const odd = fc.oneof(
      fc.constantFrom(' ', ...blanks.split(' ')),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    );
    const place = fc.nat(SDP.length);
    fc.assert(
      fc.property(fc.array(fc.tuple(place, odd), { minLength: 1, maxLength: 3 }), changes => {
        const text = changes.reduce(
          (whole, [at, what]) => whole.slice(0, at) + what + whole.slice(at),
          SDP,
        );
        if (failure(text) !== null) {
          return true;
        }
        const read = parseSdp(text);
        return isDeepStrictEqual(parseSdp(formatSdp(read)), read);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is bounded by what it is when written', () => {
    const lines = (count: number, length: number): string =>
      `v=0\n${`a=${'x'.repeat(length - 2)}\n`.repeat(count)}`;
    expect(failure(lines(1_000, 62))).toBeNull();
    expect(formatSdp(parseSdp(lines(1_000, 62)))).toHaveLength(5 + 1_000 * 64);
    // 64 006 characters as it comes, 65 008 would be well; 66 006 with CRLF is not.
    expect(failure(lines(1_000, 64))).not.toBeNull();
  });

  it('survives anything', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        'v=0',
        'm=audio 1 RTP/AVP 0',
        'c=IN IP4 1.2.3.4',
        'a=rtpmap:0 /',
        'a=rtpmap:999 x/y',
        'a=rtcp:x',
        'a=fmtp:0',
        'a=ptime:-1',
        'a=',
        'm=',
        'a=rtpmap:96 12/34',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), lines => {
        const text = ['v=0', ...lines].join('\r\n');
        if (failure(text) === null) {
          const session = parseSdp(text);
          session.media.forEach(mediaAttributes);
          return formatSdp(parseSdp(formatSdp(session))) === formatSdp(session);
        }
        return true;
      }),
      { numRuns: 1_000 },
    );
  });
});
