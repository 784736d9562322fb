import { HeaderList, type SipMessage, type SipRequest, type SipResponse } from '../message';
import { type ServerTransaction } from '../transaction';
import { type MessageSource } from '../transport';
import { type ShedReason } from './admission';
import { type AppPort, type AppRequestMeta } from './app-port';
import { AgentContext, type AgentOptions } from './context';
import { type Leg } from './leg';
import { LegEndings } from './leg-endings';
import { SessionTimers } from './session-timers';
import { UserAgentClient } from './uac';
import { UserAgentServer } from './uas';

/**
 * The user agent core (RFC 3261 §8, §12–§15) between the transaction layer and the applications: it
 * answers what the protocol demands at once and leaves every decision about calls to an application.
 */
export class UserAgent {
  readonly #context: AgentContext;
  readonly #endings: LegEndings;
  readonly #server: UserAgentServer;
  readonly #client: UserAgentClient;

  constructor(options: AgentOptions) {
    this.#context = new AgentContext(options);
    this.#endings = new LegEndings(this.#context);
    const timers = new SessionTimers(this.#context, this.#endings, leg =>
      this.#client.refresh(leg),
    );
    this.#server = new UserAgentServer(this.#context, this.#endings, timers, options.optionTags);
    this.#client = new UserAgentClient(this.#context, this.#endings, timers);
  }

  onRequest(transaction: ServerTransaction, request: SipRequest, source: MessageSource): void {
    this.#server.onRequest(transaction, request, source);
  }

  onAck(request: SipRequest, source: MessageSource): void {
    this.#server.onAck(request, source);
  }

  onStrayResponse(response: SipResponse): void {
    this.#client.onStrayResponse(response);
  }

  /** A `sip` frame of an application. */
  onAppMessage(app: AppPort, meta: AppRequestMeta, message: SipMessage, startLine: string): void {
    if (message.kind === 'response') {
      this.#server.respond(app, meta, message);
    } else {
      this.#client.request(app, meta, message, startLine);
    }
  }

  /**
   * An application is gone: what it had not answered gets 503, its calls are ended with BYE, its INVITEs
   * are cancelled.
   */
  onAppLost(app: AppPort): void {
    for (const client of [...this.#context.clients.values()]) {
      if (client.app === app && client.leg === null) {
        client.transaction?.terminate();
        this.#endings.forgetClient(client);
      }
    }
    for (const leg of [...this.#context.legs.values()]) {
      if (leg.app === app) {
        this.#endLeg(leg);
      }
    }
    for (const pending of [...this.#context.servers.values()]) {
      if (pending.app === app) {
        this.#endings.answer(pending, 503);
      }
    }
  }

  counters(): {
    dialogs: number;
    openAppRequests: number;
    shed: Readonly<Record<ShedReason, number>>;
  } {
    const { legs, servers, clients, admission } = this.#context;
    return {
      dialogs: legs.size,
      openAppRequests: servers.size + clients.size,
      shed: admission.counts(),
    };
  }

  #endLeg(leg: Leg): void {
    const { clientInvite, dialog, acceptance } = leg;
    if (leg.state === 'confirmed') {
      this.#endings.answerPending(leg, 487);
      const bye = (): void => {
        this.#endings.remove(leg);
        if (dialog !== null) {
          const reason = HeaderList.of(['Reason', 'SIP;cause=503;text="application lost"']);
          this.#endings.sendBye(dialog, reason, () => undefined);
        }
      };
      if (acceptance === null) {
        bye();
      } else {
        leg.afterAck = [bye];
      }
      return;
    }
    this.#endings.answerPending(leg, 503);
    const transaction = clientInvite?.transaction ?? null;
    if (clientInvite !== null && transaction !== null) {
      clientInvite.isCancelled = true;
      clientInvite.patience?.cancel();
      clientInvite.failover?.cancel();
      this.#context.transactions.cancel(transaction);
      return;
    }
    this.#endings.remove(leg);
  }
}
