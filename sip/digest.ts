import { createHash } from 'node:crypto';
import { splitList } from './name-addr';
import { type DigestCredentials } from './ports';
import { type ResponseLike } from './srf-types';

/** One challenge that we can answer (RFC 7616 §3.3). */
interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
  readonly algorithm: Algorithm | null;
  readonly hasQop: boolean;
  readonly isStale: boolean;
}

type Algorithm = 'MD5' | 'SHA-256';

/** Challenges of one request that are answered: the first, one with a fresh nonce after `stale`, and one of a second proxy. */
const MAX_ATTEMPTS = 3;
const MAX_NONCES = 64;

/** Answers the challenges to one request; see {@link DigestClient}. */
export interface DigestRequest {
  /**
   * @param request what the challenge is for; `uri` is the Request-URI
   * @returns the header that answers a 401 or 407, for the next attempt; null: no challenge, or one that we cannot or must not answer
   */
  answer(
    response: ResponseLike,
    request: { readonly method: string; readonly uri: string },
  ): Record<string, string> | null;
}

/**
 * Answers the digest challenges to requests of ours (RFC 3261 §22, RFC 7616): SHA-256 before MD5 (RFC 8760 §2.2), `qop=auth` when
 * it is offered, `nc` counted per nonce. A challenge that comes again without `stale=true` means that the credentials are wrong:
 * it is not answered twice.
 */
export class DigestClient {
  readonly #credentials: DigestCredentials;
  readonly #makeNonce: () => string;
  /** How often each nonce was used. */
  readonly #counts = new Map<string, number>();

  /** @param makeNonce gives a fresh client nonce */
  constructor(credentials: DigestCredentials, makeNonce: () => string) {
    this.#credentials = credentials;
    this.#makeNonce = makeNonce;
  }

  newRequest(): DigestRequest {
    const answered = new Set<string>();
    let attempts = 0;
    return {
      answer: (response, request) => {
        const names = CHALLENGES[response.status];
        const challenge =
          names === undefined ? null : this.#choose(response.get(names.challenge) ?? '');
        if (names === undefined || challenge === null || attempts >= MAX_ATTEMPTS) {
          return null;
        }
        const key = `${response.status} ${challenge.realm}`;
        if (answered.has(key) && !challenge.isStale) {
          return null;
        }
        answered.add(key);
        attempts++;
        return { [names.answer]: this.#authorization(challenge, request) };
      },
    };
  }

  /** RFC 7616 §3.7: the strongest algorithm that we have. */
  #choose(header: string): Challenge | null {
    const { realm } = this.#credentials;
    const usable = readChallenges(header).filter(
      each => realm === undefined || each.realm === realm,
    );
    return usable.find(({ algorithm }) => algorithm === 'SHA-256') ?? usable[0] ?? null;
  }

  #authorization(challenge: Challenge, request: { method: string; uri: string }): string {
    const { username, password } = this.#credentials;
    const { realm, nonce, opaque, algorithm, hasQop } = challenge;
    const hash = (text: string): string =>
      createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const ha1 = hash(`${username}:${realm}:${password}`);
    const ha2 = hash(`${request.method}:${request.uri}`);
    const count = (this.#counts.get(nonce) ?? 0) + 1;
    if (!this.#counts.has(nonce) && this.#counts.size >= MAX_NONCES) {
      this.#counts.clear();
    }
    this.#counts.set(nonce, count);
    const nc = count.toString(16).padStart(8, '0');
    const cnonce = this.#makeNonce();
    const response = hasQop
      ? hash(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`)
      : hash(`${ha1}:${nonce}:${ha2}`);
    return [
      `Digest username=${quoted(username)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `uri=${quoted(request.uri)}`,
      `response="${response}"`,
      ...(algorithm === null ? [] : [`algorithm=${algorithm}`]),
      ...(hasQop ? ['qop=auth', `nc=${nc}`, `cnonce="${cnonce}"`] : []),
      ...(opaque === null ? [] : [`opaque=${quoted(opaque)}`]),
    ].join(', ');
  }
}

const CHALLENGES: Readonly<Record<number, { challenge: string; answer: string } | undefined>> = {
  401: { challenge: 'www-authenticate', answer: 'Authorization' },
  407: { challenge: 'proxy-authenticate', answer: 'Proxy-Authorization' },
};

/** The Digest challenges of a header value that we could answer; several stand in one value, separated by commas. */
function readChallenges(header: string): readonly Challenge[] {
  const found: Map<string, string>[] = [];
  for (const item of splitList(header.slice(0, 8_192))) {
    const scheme = /^([a-z][a-z0-9!#$%&'*+.^_`|~-]*)\s+(\S.*)$/i.exec(item);
    const isNew = scheme !== null && !/^[a-z-]+\s*=/i.test(item);
    if (isNew) {
      found.push(new Map([['', (scheme[1] ?? '').toLowerCase()]]));
    }
    const param = /^([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))$/i.exec(
      isNew ? (scheme[2] ?? '') : item,
    );
    if (param !== null) {
      const value = param[2]?.replace(/\\(.)/g, '$1') ?? param[3] ?? '';
      found.at(-1)?.set((param[1] ?? '').toLowerCase(), value);
    }
  }
  return found.flatMap(params => {
    const algorithm = algorithmOf(params.get('algorithm'));
    const qops = (params.get('qop') ?? '').split(',').map(each => each.trim().toLowerCase());
    const hasQop = params.has('qop');
    const nonce = params.get('nonce');
    // RFC 7616 §3.3: an unknown algorithm, or only qop values unknown to us, cannot be answered.
    return params.get('') === 'digest' &&
      nonce !== undefined &&
      algorithm !== undefined &&
      (!hasQop || qops.includes('auth'))
      ? [
          {
            realm: params.get('realm') ?? '',
            nonce,
            opaque: params.get('opaque') ?? null,
            algorithm,
            hasQop,
            isStale: params.get('stale')?.toLowerCase() === 'true',
          },
        ]
      : [];
  });
}

/** undefined: not one of ours. */
function algorithmOf(value: string | undefined): Algorithm | null | undefined {
  if (value === undefined) {
    return null;
  }
  const upper = value.toUpperCase();
  return upper === 'MD5' || upper === 'SHA-256' ? upper : undefined;
}

function quoted(text: string): string {
  return `"${text.replace(/(["\\])/g, '\\$1')}"`;
}
