import { DigestClient } from '../../../sip/digest';
import { type ResponseLike } from '../../../sip/srf-types';
import { messageLike } from '../../support/message-like';

function challenge(status: number, ...values: string[]): ResponseLike {
  const name = status === 407 ? 'proxy-authenticate' : 'www-authenticate';
  return {
    ...messageLike({ [name]: values.join(', ') }),
    status,
    reason: 'Unauthorized',
    stackDialogId: undefined,
    source_address: '192.0.2.1',
    finalResponseSent: false,
    send: () => undefined,
  };
}

// The example of RFC 7616 §3.9.1.
const MUFASA = { username: 'Mufasa', password: 'Circle of Life' };
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const REQUEST = { method: 'GET', uri: '/dir/index.html' };
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';

function offered(algorithm: string): string {
  return `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="${OPAQUE}"`;
}

describe('the answer to a digest challenge', () => {
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('with %s is that of RFC 7616', (algorithm, response) => {
    const client = new DigestClient(MUFASA, () => CNONCE);
    expect(client.newRequest().answer(challenge(401, offered(algorithm)), REQUEST)).toEqual({
      Authorization: `Digest username="Mufasa", realm="http-auth@example.org", nonce="${NONCE}", uri="/dir/index.html", response="${response}", algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="${CNONCE}", opaque="${OPAQUE}"`,
    });
  });

  it('takes SHA-256 where both are offered, and leaves out what it does not know', () => {
    const client = new DigestClient(MUFASA, () => 'c');
    const answer = client
      .newRequest()
      .answer(
        challenge(
          407,
          'Basic realm="x"',
          'Digest realm="x", nonce="1", algorithm=SHA-512-256',
          'Digest realm="x", nonce="2", algorithm=MD5',
          'Digest realm="x", nonce="3", algorithm=SHA-256',
        ),
        REQUEST,
      );
    expect(answer?.['Proxy-Authorization']).toContain('nonce="3"');
  });

  it('counts how often a nonce was used', () => {
    const client = new DigestClient(MUFASA, () => 'c');
    const counts = [1, 2].map(
      () =>
        /nc=(\d+)/.exec(
          client.newRequest().answer(challenge(401, offered('MD5')), REQUEST)?.['Authorization'] ??
            '',
        )?.[1],
    );
    expect(counts).toEqual(['00000001', '00000002']);
  });

  it('without qop is that of RFC 2069', () => {
    const client = new DigestClient({ username: 'u', password: 'p' }, () => 'c');
    const answer = client.newRequest().answer(challenge(401, 'Digest realm="r", nonce="n"'), {
      method: 'INVITE',
      uri: 'sip:b@example.org',
    });
    expect(answer?.['Authorization']).not.toMatch(/qop|nc=|cnonce|algorithm/);
  });

  it('is given once, once more for a stale nonce, and never more than three times', () => {
    const request = new DigestClient(MUFASA, () => 'c').newRequest();
    const stale = challenge(401, `${offered('MD5')}, stale=TRUE`);
    expect(request.answer(challenge(401, offered('MD5')), REQUEST)).not.toBeNull();
    expect(request.answer(challenge(401, offered('MD5')), REQUEST)).toBeNull();
    expect(request.answer(stale, REQUEST)).not.toBeNull();
    expect(request.answer(stale, REQUEST)).not.toBeNull();
    expect(request.answer(stale, REQUEST)).toBeNull();
  });

  it.each([
    ['another realm', 401, 'Digest realm="other", nonce="n"'],
    ['auth-int alone', 401, 'Digest realm="r", nonce="n", qop="auth-int"'],
    ['another scheme', 401, 'Bearer realm="r"'],
    ['no nonce', 401, 'Digest realm="r"'],
    ['nonsense', 401, 'Digest'],
    ['another status', 403, 'Digest realm="r", nonce="n"'],
  ])('is none for %s', (_what, status, value) => {
    const client = new DigestClient({ ...MUFASA, realm: 'r' }, () => 'c');
    expect(client.newRequest().answer(challenge(status, value), REQUEST)).toBeNull();
  });
});
