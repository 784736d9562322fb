import { parseNameAddrs, splitSipUri } from './name-addr';
import { type InviteFailure } from './outgoing-invite';
import { type CallTarget } from './ports';

/** Targets of one call that came by redirection; more are ignored, which also ends any circle. */
const MAX_FOLLOWED = 8;
/** The answers that name other places for the same request (RFC 3261 §21.3); 305 and 380 ask for something else. */
const FOLLOWED: ReadonlySet<number> = new Set([300, 301, 302]);

/** Where a call goes after a 3xx, no place twice (RFC 3261 §8.1.3.4). */
export class Redirection {
  readonly #known: Set<string>;
  #left = MAX_FOLLOWED;

  constructor(targets: readonly CallTarget[]) {
    this.#known = new Set(targets.map(target => addressOf(target.requestUri)));
  }

  /** The Contacts of a redirection as targets, the most wanted first; empty for any other failure. */
  targetsOf(failure: InviteFailure, redirected: CallTarget): readonly CallTarget[] {
    const { response, status } = failure;
    if (response === null || !FOLLOWED.has(status)) {
      return [];
    }
    const contacts = parseNameAddrs(response.get('contact')).map(({ uri, params }) => ({
      uri: uri.split('?', 1)[0] ?? '',
      preference: preferenceOf(params['q']),
    }));
    contacts.sort((a, b) => b.preference - a.preference);
    return contacts.flatMap(({ uri }) => {
      const address = addressOf(uri);
      if (splitSipUri(uri) === null || this.#known.has(address) || this.#left === 0) {
        return [];
      }
      this.#known.add(address);
      this.#left--;
      const { answerTimeoutMs } = redirected;
      return [{ requestUri: uri, nextHop: null, answerTimeoutMs }];
    });
  }
}

/** RFC 3261 §20.10: 0 to 1; without one, 1. */
function preferenceOf(q: string | undefined): number {
  const value = Number(q ?? '1');
  return value >= 0 && value <= 1 ? value : 0;
}

function addressOf(uri: string): string {
  const parts = splitSipUri(uri);
  return parts === null ? uri : `${parts.user ?? ''}@${parts.hostPort.toLowerCase()}`;
}
