import { readSessionUuid, SessionIds } from '../../../sip/session-id';
import { messageLike } from '../../support/message-like';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const C = 'c'.repeat(32);
const NIL = '0'.repeat(32);
const ids = { uuid: () => '0123ABCD-0000-4000-8000-000000000000' };
const MADE = '0123abcd000040008000000000000000';

describe('the Session-ID of a call', () => {
  it('names the other party first and, once it is known, the party itself', () => {
    const session = new SessionIds(ids, A);
    expect(session.toward('callee')).toEqual({ 'session-id': `${A};remote=${NIL}` });
    session.learn('callee', messageLike({ 'session-id': `${B};remote=${A}` }));
    expect(session.toward('caller')).toEqual({ 'session-id': `${B};remote=${A}` });
    expect(session.toward('callee')).toEqual({ 'session-id': `${A};remote=${B}` });
  });

  it('has a UUID of our own for a party without, until it names its own', () => {
    const session = new SessionIds(ids, null);
    expect(session.toward('callee')).toEqual({ 'session-id': `${MADE};remote=${NIL}` });
    session.learn('caller', messageLike({}));
    expect(session.toward('callee')).toEqual({ 'session-id': `${MADE};remote=${NIL}` });
    session.learn('caller', messageLike({ 'session-id': C }));
    expect(session.toward('callee')).toEqual({ 'session-id': `${C};remote=${NIL}` });
  });

  it('follows a party that is replaced', () => {
    const session = new SessionIds(ids, A);
    session.learn('callee', messageLike({ 'session-id': B }));
    expect(session.towardNewcomer('callee')).toEqual({ 'session-id': `${A};remote=${NIL}` });
    session.replaced('callee', messageLike({ 'session-id': `${C};remote=${A}` }));
    expect(session.toward('caller')).toEqual({ 'session-id': `${C};remote=${A}` });
  });

  it.each([
    [A.toUpperCase(), A],
    [` ${A} ; remote=${B}`, A],
    [NIL, null],
    ['xyz', null],
    [`${A}0`, null],
    [undefined, null],
  ])('%j is read as %j', (value, uuid) => {
    expect(readSessionUuid(value)).toBe(uuid);
  });
});
