import fc from 'fast-check';
import { findPart, isSipError, readMultipart, writeMultipart } from '#sip';

function ids(...values: string[]): { uuid(): string } {
  let next = 0;
  return { uuid: () => values[Math.min(next++, values.length - 1)] ?? '' };
}

function texts(contentType: string, body: string): string[] {
  return readMultipart(contentType, body).parts.map(part => part.body.toString('latin1'));
}

describe('writing a multipart body', () => {
  it('gives these very octets', () => {
    const written = writeMultipart(
      [
        { contentType: 'application/sdp', body: 'v=0\r\n' },
        {
          contentType: 'application/rs-metadata+xml',
          disposition: 'recording-session',
          body: '<recording/>',
        },
      ],
      ids('1234'),
    );
    expect(written.contentType).toBe('multipart/mixed;boundary=part-1234');
    expect(written.body).toBe(
      '--part-1234\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n' +
        '--part-1234\r\nContent-Type: application/rs-metadata+xml\r\n' +
        'Content-Disposition: recording-session\r\n\r\n<recording/>\r\n--part-1234--\r\n',
    );
  });

  it('takes another boundary when the first occurs in a part', () => {
    const written = writeMultipart([{ contentType: 'a/b', body: '--part-1' }], ids('1', '2'));
    expect(written.contentType).toContain('part-2');
  });
});

describe('reading a multipart body', () => {
  it('gets back what was written, whatever the parts hold', () => {
    let counter = 0;
    const random = { uuid: () => `${(counter++).toString(36)}-aa` };
    const part = fc.stringMatching(/^[\r\n\t -~-]{0,80}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), bodies => {
        const written = writeMultipart(
          bodies.map(body => ({ contentType: 'text/x', body })),
          random,
        );
        const read = readMultipart(written.contentType, written.body);
        expect(read.closed).toBe(true);
        expect(read.parts.map(each => each.body.toString())).toEqual(bodies);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps blank lines and bare line feeds within parts', () => {
    expect(
      texts('multipart/mixed;boundary=b', '--b\r\nA: 1\r\n\r\none\r\n\r\ntwo\n\nthree\r\n--b--'),
    ).toEqual(['one\r\n\r\ntwo\n\nthree']);
  });

  it('takes bare line feeds everywhere', () => {
    const { parts } = readMultipart(
      'multipart/mixed;boundary=b',
      '--b\nContent-Type: a/b\n\nx\n--b\n\ny\n--b--\n',
    );
    expect(parts.map(part => [part.mediaType, part.body.toString()])).toEqual([
      ['a/b', 'x'],
      ['text/plain', 'y'],
    ]);
  });

  it('skips preamble and epilogue and takes padding after the boundary', () => {
    expect(
      texts(
        'multipart/mixed; boundary=b',
        'hi\r\n--b \t\r\n\r\nx\r\n--b--  \r\nbye\r\n--b\r\n\r\nno',
      ),
    ).toEqual(['x']);
  });

  it('takes a quoted boundary with odd characters', () => {
    expect(
      texts('multipart/mixed; boundary="a b:c=\'?"', "--a b:c='?\r\n\r\nx\r\n--a b:c='?--"),
    ).toEqual(['x']);
  });

  it('does not take a longer boundary for its own', () => {
    expect(texts('multipart/mixed;boundary=b', '--b\r\n\r\nx\r\n--bb\r\ny\r\n--b--')).toEqual([
      'x\r\n--bb\r\ny',
    ]);
  });

  it('reads folded and repeated part headers, the first of which wins', () => {
    const { parts } = readMultipart(
      'multipart/mixed;boundary=b',
      '--b\r\nContent-Disposition:\r\n recording-session;\r\n\thandling=required\r\nContent-Disposition: other\r\n__proto__: x\r\n\r\nx\r\n--b--',
    );
    expect(parts[0]?.disposition).toBe('recording-session');
    expect(parts[0]?.headers['content-disposition']).toBe('recording-session; handling=required');
  });

  it('finds a part within a nested multipart', () => {
    const inner = '--i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--i--';
    const { parts } = readMultipart(
      'multipart/mixed;boundary=o',
      `--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n${inner}\r\n--o--`,
    );
    const found = findPart(parts, part => part.mediaType === 'application/sdp');
    expect(found?.body.toString()).toBe('v=0');
  });

  it('keeps octets that are not text', () => {
    const octets = Buffer.from([0, 255, 13, 10, 200, 10]);
    const body = Buffer.concat([Buffer.from('--b\r\n\r\n'), octets, Buffer.from('\r\n--b--')]);
    expect(readMultipart('multipart/mixed;boundary=b', body).parts[0]?.body).toEqual(octets);
  });

  it('says when the closing delimiter is missing', () => {
    const read = readMultipart('multipart/mixed;boundary=b', '--b\r\n\r\nx\r\n');
    expect(read.closed).toBe(false);
    expect(read.parts[0]?.body.toString()).toBe('x\r\n');
  });

  it.each([
    ['no boundary', 'multipart/mixed', 'x'],
    ['an empty boundary', 'multipart/mixed;boundary=""', 'x'],
    ['a boundary of 71 characters', `multipart/mixed;boundary=${'b'.repeat(71)}`, 'x'],
    ['no delimiter', 'multipart/mixed;boundary=b', 'x'],
    ['too many parts', 'multipart/mixed;boundary=b', '--b\r\n\r\n'.repeat(40)],
    [
      'a huge part header',
      'multipart/mixed;boundary=b',
      `--b\r\n${'A: b\r\n'.repeat(3_000)}\r\n--b--`,
    ],
    ['a huge body', 'multipart/mixed;boundary=b', 'x'.repeat(1_048_577)],
  ])('refuses %s with a typed error', (_what, contentType, body) => {
    let error: unknown = null;
    try {
      readMultipart(contentType, body);
    } catch (caught) {
      error = caught;
    }
    expect(isSipError(error, 'REC_ERR_SIP_BAD_MULTIPART')).toBe(true);
  });

  it('refuses multiparts nested too deeply', () => {
    let body = 'x';
    for (let level = 0; level < 6; level++) {
      body = `--l${level}\r\nContent-Type: multipart/mixed;boundary=l${level - 1}\r\n\r\n${body}\r\n--l${level}--`;
    }
    expect(() => readMultipart('multipart/mixed;boundary=l5', body)).toThrow(/nested too deeply/);
  });

  it('survives anything: parts or a typed error', () => {
    const hostile = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            '--b',
            '--b--',
            '\r\n',
            '\n',
            'A: b',
            ' ',
            '--',
            'Content-Type: multipart/mixed;boundary=b',
            'x',
          ),
          { maxLength: 40 },
        )
        .map(words => words.join('')),
    );
    fc.assert(
      fc.property(hostile, body => {
        let error: unknown = null;
        try {
          readMultipart('multipart/mixed;boundary=b', body);
        } catch (caught) {
          error = caught;
        }
        expect(error === null || isSipError(error, 'REC_ERR_SIP_BAD_MULTIPART')).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('survives a cut at every octet', () => {
    const { contentType, body } = writeMultipart(
      [
        { contentType: 'a/b', disposition: 'd', body: 'one' },
        { contentType: 'c/d', body: 'two' },
      ],
      ids('1'),
    );
    for (let length = '--part-1\r\n'.length; length < body.length - 4; length++) {
      expect(readMultipart(contentType, body.slice(0, length)).closed).toBe(false);
    }
  });
});
