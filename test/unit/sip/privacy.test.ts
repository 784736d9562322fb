import { askedPrivacy, withPrivacy } from '../../../sip/privacy';

const HEADERS = {
  From: '"Alice" <sip:alice@localhost>',
  subject: 'hi',
  'history-info': '<sip:x@y>;index=1',
  privacy: 'user;id',
  'x-own': '1',
};

describe('the privacy of a call that leaves the trust domain', () => {
  it.each([['user'], ['header']])('%s makes the caller anonymous', value => {
    expect(withPrivacy(HEADERS, askedPrivacy({ privacy: [value] }))).toEqual({
      From: '"Anonymous" <sip:anonymous@anonymous.invalid>',
      privacy: 'user;id',
      'x-own': '1',
    });
  });

  it('history hides where the call has been, and nothing else', () => {
    const { From, subject, privacy, 'x-own': own } = HEADERS;
    expect(withPrivacy(HEADERS, askedPrivacy({ privacy: ['history'] }))).toEqual({
      From,
      subject,
      privacy,
      'x-own': own,
    });
  });

  it.each([[[]], [['id']], [['none', 'user']]])('%j changes nothing', privacy => {
    expect(withPrivacy(HEADERS, askedPrivacy({ privacy }))).toEqual(HEADERS);
  });
});
