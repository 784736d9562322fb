import { type LegRole, type Logger } from '#core';
import { type CallLeg } from './call-leg';
import { type DialogDirectory } from './dialog-directory';
import { passedHeaders } from './header-policy';
import { unfold } from './name-addr';
import { InfoVerdicts } from './controls/info-verdicts';
import { type InfoFacts, type InfoToSend, type InfoVerdict } from './ports';
import { reasonOf } from './reason';
import { translateReferTo } from './replaces';
import { type SessionIds } from './session-id';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type UserAgent } from './user-agent';

export interface DialogRelayOptions {
  readonly userAgent: UserAgent;
  readonly directory: DialogDirectory;
  readonly logger: Logger;
  readonly sessionIds: SessionIds;
  /** Whether an INFO is the gateway's own business. */
  readonly infoReceived: (role: LegRole, info: InfoFacts) => InfoVerdict | Promise<InfoVerdict>;
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
/** Transfers of one call that were tried; ids of later ones are passed as they are. */
const MAX_REFERS = 64;
const MAX_BODY_CHARS = 65_536;

/** Carries requests within a dialog that are not about media to the other leg, and their final response back. */
export class DialogRelay {
  readonly #options: DialogRelayOptions;
  /** From the first INFO of a leg on. */
  readonly #infos: Partial<Record<LegRole, InfoVerdicts>> = {};

  constructor(options: DialogRelayOptions) {
    this.#options = options;
  }

  /** An INFO of our own. */
  sendInfo(to: CallLeg, info: InfoToSend): void {
    const { contentType, body, headers } = info;
    to.dialog.send(
      'INFO',
      {
        headers: { ...headers, ...(contentType === null ? {} : { 'Content-Type': contentType }) },
        ...(body === '' ? {} : { body }),
      },
      {
        final: response => {
          if (response.status === 481) {
            this.#options.dialogLost(to);
          }
        },
        failed: () => undefined,
      },
    );
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
    if (method !== 'INFO') {
      this.#pass(from, to, request, response);
      return;
    }
    this.#infosOf(from.role).judge(infoFacts(request), verdict => {
      if (verdict === 'consumed') {
        userAgent.respond(response, 200);
      } else if (verdict !== 'relay') {
        const { status, reason } = verdict;
        userAgent.respond(response, status, {
          reason,
          headers: { Reason: reasonOf({ status, text: reason }) },
        });
      } else if (from.isEnded || to.isEnded) {
        userAgent.respond(response, 481);
      } else {
        this.#pass(from, to, request, response);
      }
    });
  }

  #infosOf(role: LegRole): InfoVerdicts {
    const { userAgent, logger, infoReceived } = this.#options;
    return (this.#infos[role] ??= new InfoVerdicts({
      clock: userAgent.clock,
      logger,
      ask: info => infoReceived(role, info),
    }));
  }

  #pass(from: CallLeg, to: CallLeg, request: RequestLike, response: ResponseLike): void {
    const { userAgent, sessionIds } = this.#options;
    const { method } = request;
    sessionIds.learn(from.role, request);
    const message = this.#message(request, 'inDialog', from.isTrusted && to.isTrusted);
    const headers = { ...message.headers, ...this.#transferHeaders(from, request) };
    to.dialog.send(
      method,
      { ...message, headers },
      {
        ...(method === 'REFER' ? { sent: refer => noteRefer(to, request, refer) } : {}),
        final: relayed => {
          sessionIds.learn(to.role, relayed);
          const passed = this.#message(relayed, 'response', from.isTrusted && to.isTrusted);
          userAgent.respond(response, relayed.status, {
            reason: relayed.reason,
            ...passed,
            headers: { ...passed.headers, ...sessionIds.toward(from.role) },
          });
          if (relayed.status === 481) {
            this.#options.dialogLost(to);
          }
        },
        failed: error => {
          userAgent.respond(response, error.code === 'REC_ERR_SIP_TIMEOUT' ? 408 : 503);
        },
      },
    );
  }

  /** What a REFER and its NOTIFYs say in terms of this side's dialog, in terms of the other side's. */
  #transferHeaders(from: CallLeg, request: RequestLike): Record<string, string> {
    const referTo = request.get('refer-to');
    if (request.method === 'REFER' && referTo !== undefined) {
      return {
        'refer-to': translateReferTo(unfold(referTo), replaces =>
          this.#options.directory.translate(replaces),
        ),
      };
    }
    const event = unfold(request.get('event') ?? '').trim();
    if (request.method === 'NOTIFY' && /^refer\s*;/i.test(event)) {
      // RFC 3515 §2.4.6: the id is the CSeq number of the REFER, which differs between the legs.
      const translated = event.replace(
        /(;\s*id\s*=\s*)(\d+)/i,
        (_whole, name: string, id: string) => name + (from.referNumbers?.get(id) ?? id),
      );
      return { event: translated };
    }
    return {};
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

function noteRefer(to: CallLeg, received: RequestLike, sent: RequestLike): void {
  const numbers = (to.referNumbers ??= new Map());
  if (numbers.size < MAX_REFERS) {
    numbers.set(sequenceOf(sent), sequenceOf(received));
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

function sequenceOf(message: MessageLike): string {
  return /^\s*(\d+)/.exec(message.get('cseq') ?? '')?.[1] ?? '';
}
