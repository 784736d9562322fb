import fc from 'fast-check';
import { readDtmfInfo, readRecordHeader } from '#sip';

describe('the Record header of an INFO', () => {
  it.each([
    ['on', 'on'],
    [' Off ', 'off'],
    ['PAUSE', 'pause'],
    ['resume', 'resume'],
  ])('%j is %s', (value, control) => {
    expect(readRecordHeader({ headers: { record: value }, body: '' })).toBe(control);
  });

  it.each([[undefined], [''], ['start'], ['on, off'], ['on;x=1']])('%j is nothing', value => {
    const headers: Record<string, string> = value === undefined ? {} : { record: value };
    expect(readRecordHeader({ headers, body: '' })).toBeNull();
  });

  it('of an INFO with a body is nothing: such an INFO is about something else', () => {
    expect(readRecordHeader({ headers: { record: 'on' }, body: 'Signal=1' })).toBeNull();
  });
});

describe('DTMF in an INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', '5', 160],
    ['application/dtmf-relay', 'Signal= *\nDuration= 80\n', '*', 80],
    ['Application/DTMF-Relay;charset=x', 'Duration=40\r\nSignal=#', '#', 40],
    ['application/dtmf-relay', 'Signal=11\r\nDuration=100', '#', 100],
    ['application/dtmf-relay', 'signal=a', 'A', 160],
    ['application/dtmf', '7', '7', 160],
    ['application/dtmf', ' 10 \r\n', '*', 160],
  ])('%s %j is %s for %i ms', (contentType, body, digit, durationMs) => {
    expect(readDtmfInfo({ contentType, body })).toEqual({ digit, durationMs });
  });

  it.each([
    [null, '5'],
    ['text/plain', '5'],
    ['application/dtmf', ''],
    ['application/dtmf', '16'],
    ['application/dtmf', '55'],
    ['application/dtmf-relay', '5'],
    ['application/dtmf-relay', 'Signal=E\r\nDuration=100'],
    ['application/dtmf-relay', 'Signal=5\r\nDuration=0'],
    ['application/dtmf-relay', 'Signal=5\r\nDuration=-160'],
    ['application/dtmf-relay', 'Signal=5\r\nDuration=1e9'],
    ['application/dtmf-relay', `Signal=5\r\n${'x'.repeat(300)}`],
  ])('%s %j is nothing', (contentType, body) => {
    expect(readDtmfInfo({ contentType, body })).toBeNull();
  });

  it('never throws and never invents a digit', () => {
    fc.assert(
      fc.property(fc.string(), body => {
        const read = readDtmfInfo({ contentType: 'application/dtmf-relay', body });
        expect(read === null || /^[0-9*#A-D]$/.test(read.digit)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
