import { setUpTimesMs } from '../../bench/sip/message-log';

function line(seconds: string, direction: 'S' | 'R', callId: string, rest: string): string {
  return ['2026-11-26', '16:23:18.9', seconds, direction, callId, rest].join('\t');
}

const INVITE = 'CSeq:1 INVITE\tINVITE sip:2002@127.77.0.31:5060 SIP/2.0';
const TRYING = 'CSeq:1 INVITE\tSIP/2.0 100 Trying';
const OK = 'CSeq:1 INVITE\tSIP/2.0 200 OK';

describe('setUpTimesMs', () => {
  test('takes a call from its INVITE to its 200, in fractions of a millisecond, ascending', () => {
    const log = [
      line('100.000000', 'S', 'a', INVITE),
      line('100.000300', 'S', 'b', INVITE),
      line('100.001000', 'R', 'b', TRYING),
      line('100.001550', 'R', 'b', OK),
      line('100.008125', 'R', 'a', OK),
      '',
    ].join('\n');
    const times = setUpTimesMs(log);
    expect(times).toHaveLength(2);
    expect(times[0]).toBeCloseTo(1.25, 3);
    expect(times[1]).toBeCloseTo(8.125, 3);
  });

  test('counts a retransmitted INVITE from its first, and a repeated 200 to its first', () => {
    const log = [
      line('1.000000', 'S', 'a', INVITE),
      line('1.500000', 'S', 'a', INVITE),
      line('1.600000', 'R', 'a', OK),
      line('2.100000', 'R', 'a', OK),
    ].join('\n');
    expect(setUpTimesMs(log)[0]).toBeCloseTo(600, 3);
  });

  test('leaves out calls without a 200, and the 200 of a BYE', () => {
    const log = [
      line('1.000000', 'S', 'a', INVITE),
      line('1.000400', 'R', 'a', 'CSeq:1 INVITE\tSIP/2.0 503 Service Unavailable'),
      line('1.000500', 'R', 'a', 'CSeq:2 BYE\tSIP/2.0 200 OK'),
    ].join('\n');
    expect(setUpTimesMs(log)).toEqual([]);
  });
});
