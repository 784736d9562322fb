import { type CallLeg } from './call-leg';
import { passedHeaders } from './header-policy';
import { type InfoFacts } from './ports';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type UserAgent } from './user-agent';

export interface DialogRelayOptions {
  readonly userAgent: UserAgent;
  /** Whether an INFO is the gateway's own business. */
  readonly infoReceived: (from: CallLeg, info: InfoFacts) => 'relay' | 'consumed';
  /** The other side says that its dialog does not exist. */
  readonly dialogLost: (leg: CallLeg) => void;
}

const RELAYED_METHODS: ReadonlySet<string> = new Set([
  'INFO',
  'OPTIONS',
  'MESSAGE',
  'NOTIFY',
  'REFER',
]);
const MAX_BODY_CHARS = 65_536;

/** Carries requests within a dialog that are not about media to the other leg, and their final response back. */
export class DialogRelay {
  readonly #options: DialogRelayOptions;

  constructor(options: DialogRelayOptions) {
    this.#options = options;
  }

  relay(from: CallLeg, to: CallLeg, request: RequestLike, response: ResponseLike): void {
    const { userAgent } = this.#options;
    const { method } = request;
    if (!RELAYED_METHODS.has(method)) {
      // RFC 6665 §4.4.1: no subscriptions share our dialogs; anything else is not a method for here.
      userAgent.respond(response, method === 'SUBSCRIBE' ? 489 : 501);
      return;
    }
    if ((request.body ?? '').length > MAX_BODY_CHARS) {
      userAgent.respond(response, 413);
      return;
    }
    if (method === 'REFER' && /[?&]replaces=/i.test(request.get('refer-to') ?? '')) {
      // The dialog that it names exists on this leg only (RFC 3891 §3).
      userAgent.respond(response, 603);
      return;
    }
    if (method === 'INFO' && this.#options.infoReceived(from, infoFacts(request)) === 'consumed') {
      userAgent.respond(response, 200);
      return;
    }
    to.dialog.send(method, this.#message(request, 'inDialog', to.isTrusted), {
      final: relayed => {
        userAgent.respond(response, relayed.status, {
          reason: relayed.reason,
          ...this.#message(relayed, 'response', from.isTrusted),
        });
        if (relayed.status === 481) {
          this.#options.dialogLost(to);
        }
      },
      failed: error => {
        userAgent.respond(response, error.code === 'REC_ERR_SIP_TIMEOUT' ? 408 : 503);
      },
    });
  }

  /** Headers by policy, and the body unless it is SDP, which would name the other leg's media. */
  #message(
    message: MessageLike,
    context: 'inDialog' | 'response',
    towardTrusted: boolean,
  ): { headers: Record<string, string>; body?: string } {
    const headers = passedHeaders(message, context, towardTrusted);
    const body = message.body ?? '';
    const contentType = message.get('content-type') ?? '';
    if (body === '' || contentType === '' || /application\/sdp/i.test(contentType)) {
      return { headers };
    }
    return { headers: { ...headers, 'Content-Type': contentType }, body };
  }
}

function infoFacts(request: RequestLike): InfoFacts {
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
  );
  return {
    headers: Object.fromEntries(headers),
    contentType: request.get('content-type') ?? null,
    body: request.body ?? '',
  };
}
