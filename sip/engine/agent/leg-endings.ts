import { type Dialog } from '../dialog';
import {
  HeaderList,
  makeRequest,
  makeResponse,
  serializeMessage,
  type SipRequest,
} from '../message';
import { messageLeader } from '../wire/leader';
import { type AgentContext } from './context';
import { type Leg, type PendingClient, type PendingRequest } from './leg';

/** How a leg's life ends when neither its peer nor its application ends it properly. */
export class LegEndings {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** Takes a leg out of the tables and stops what it has running. Sends nothing. Idempotent. */
  remove(leg: Leg): void {
    if (leg.state === 'ended') {
      return;
    }
    leg.state = 'ended';
    const { context } = this;
    context.legs.delete(leg.id);
    for (const dialog of leg.dialogs) {
      context.dialogs.remove(dialog);
    }
    leg.acceptance?.acceptance.stop();
    leg.acceptance = null;
    leg.pendingAck?.patience?.cancel();
    leg.localSdp = null;
    leg.sessionTimer?.stop();
    leg.reliable?.acceptance.stop();
    leg.clientInvite = null;
    leg.afterAck = [];
  }

  /** Answers what the peer has asked on this leg and the application has not answered. */
  answerPending(leg: Leg, status: number, except?: PendingRequest): void {
    for (const pending of leg.pending) {
      if (pending !== except) {
        this.answer(pending, status);
      }
    }
  }

  /** The engine's own final response to a request that an application had; its answer comes too late. */
  answer(pending: PendingRequest, status: number, headers = new HeaderList()): void {
    const { request } = pending.transaction;
    pending.transaction.respond(
      makeResponse(request, status, { toTag: pending.localTag, headers }),
    );
    this.settle(pending);
  }

  /** Forgets a request that has its final response. */
  settle(pending: PendingRequest): void {
    pending.patience?.cancel();
    pending.patience = null;
    this.context.servers.delete(pending.txnId);
    const { leg } = pending;
    if (leg === null) {
      return;
    }
    leg.pending = leg.pending.filter(each => each !== pending);
    if (leg.serverInvite === pending) {
      leg.serverInvite = null;
      // A PRACK may still come and then finds what it is for (RFC 3262 §3), but nothing is repeated.
      leg.reliable?.acceptance.stop();
      for (const tooLate of leg.afterPrack.splice(0)) {
        tooLate();
      }
    }
  }

  /** The final response is there: whatever else comes belongs to nobody. */
  forgetClient(client: PendingClient): void {
    const { leg } = client;
    client.patience?.cancel();
    client.patience = null;
    client.failover?.cancel();
    client.failover = null;
    client.build = null;
    this.context.clients.delete(client.txnId);
    if (leg?.clientInvite === client) {
      leg.clientInvite = null;
      if (leg.state === 'early' && leg.pendingAck === null) {
        this.answerPending(leg, 481);
        this.remove(leg);
      }
    }
  }

  /**
   * Ends a confirmed leg from here: BYE to the peer, `unsolicited` BYE to the application.
   * @param text goes into the Reason header (RFC 3326)
   */
  byeByEngine(leg: Leg, text: string): void {
    const { dialog } = leg;
    this.answerPending(leg, 487);
    this.remove(leg);
    if (dialog === null) {
      return;
    }
    const reason = HeaderList.of(['Reason', `SIP;cause=200;text="${text}"`]);
    this.sendBye(dialog, reason, bye => this.tellUnsolicited(leg, bye));
  }

  /** Sends a BYE that nobody waits for. `onSent` is called even if it could not be sent. */
  sendBye(dialog: Dialog, extra: HeaderList, onSent: (bye: SipRequest) => void): void {
    const { transport, transactions } = this.context;
    const frame = dialog.nextRequest('BYE', null);
    for (const entry of extra.entries()) {
      frame.headers.appendEntry(entry);
    }
    const bye = makeRequest('BYE', frame.requestUri, frame.headers);
    const target = frame.fixedTarget ?? this.context.targetOf(frame.nextHop);
    if (target === null) {
      onSent(bye);
      return;
    }
    transport.route(target, result => {
      if (!result.ok) {
        onSent(bye);
        return;
      }
      const transaction = transactions.request(bye, result.route, {
        onResponse: () => undefined,
        onTimeout: () => undefined,
        onTransportError: () => undefined,
      });
      onSent(transaction.request);
    });
  }

  tellUnsolicited(leg: Leg, bye: SipRequest): void {
    const message = serializeMessage(bye);
    const meta = {
      bytes: message.length,
      protocol: 'udp',
      address: '',
      port: 0,
      time: this.context.now(),
      txnId: 'unsolicited',
      dialogId: leg.id,
    };
    leg.app.send(messageLeader('application', meta, null), message);
  }

  get context(): AgentContext {
    return this.#context;
  }
}
