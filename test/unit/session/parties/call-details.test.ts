import { circumstancesOf, numberOf } from '../../../../src/session/parties/call-details';

function redirected(
  uri: string,
  counter?: string,
): Parameters<typeof circumstancesOf>[0]['diversions'][number] {
  return { uri, displayName: null, params: counter === undefined ? {} : { counter } };
}

describe('what an INVITE tells of how its call came about', () => {
  const requestUri = 'sip:+1555-0100@example.com;user=phone';

  test('the digits that were dialled', () => {
    expect(circumstancesOf({ requestUri, diversions: [] }, true)).toEqual({
      dialedDigits: '+15550100',
    });
  });

  test('who redirected it last and who was called first (RFC 5806: most recent first)', () => {
    const diversions = [redirected('tel:+15550102'), redirected('sip:bob@example.com', '2')];
    expect(circumstancesOf({ requestUri, diversions }, true).redirections).toEqual({
      lastRedirectNumber: '+15550102',
      originalCalledNumber: 'bob',
      count: 3,
    });
  });

  test.each(['0', '-1', '1e9', 'many', ''])('a counter of %p counts once', counter => {
    const diversions = [redirected('tel:+15550102', counter)];
    expect(circumstancesOf({ requestUri, diversions }, true).redirections?.count).toBe(1);
  });

  test('nothing of a sender that is not trusted', () => {
    const diversions = [redirected('tel:+15550102')];
    expect(circumstancesOf({ requestUri, diversions }, false)).toEqual({
      dialedDigits: '+15550100',
    });
  });

  test.each([
    ['sip:anonymous@anonymous.invalid', null],
    ['tel:+1-555-0100', '+15550100'],
    ['sip:example.com', null],
  ])('the number in %s is %s', (aor, number) => {
    expect(numberOf(aor)).toBe(number);
  });
});
