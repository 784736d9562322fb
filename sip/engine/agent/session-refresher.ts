import { makeRequest, parseNumber, type SipRequest, type SipResponse } from '../message';
import { type MessageSource, type OutboundRoute } from '../transport';
import { type AckSender } from './ack-sender';
import { ownContact } from './app-headers';
import { type AgentContext, ownAddressOn } from './context';
import { type Leg, pendingAckOf, type PendingClient } from './leg';
import { type LegEndings } from './leg-endings';
import { MAX_INTERVAL_RETRIES, type SessionTimers } from './session-timers';

/** Refreshes sessions for the applications, which are not told (RFC 4028 §7.4, §10). */
export class SessionRefresher {
  readonly #context: AgentContext;
  readonly #endings: LegEndings;
  readonly #acks: AckSender;
  readonly #timers: SessionTimers;

  constructor(context: AgentContext, endings: LegEndings, acks: AckSender, timers: SessionTimers) {
    this.#context = context;
    this.#endings = endings;
    this.#acks = acks;
    this.#timers = timers;
  }

  /**
   * UPDATE without a body where the peer allows it, which changes nothing of the session; else a
   * re-INVITE that repeats our session description alone, for a recording session too: metadata need not
   * be in it (RFC 7866 §9.1).
   */
  refresh(leg: Leg, method: 'UPDATE' | 'INVITE' = leg.allowsUpdate ? 'UPDATE' : 'INVITE'): void {
    const { dialog } = leg;
    if (leg.state !== 'confirmed' || dialog?.isReachable !== true) {
      return;
    }
    const isInvite = method === 'INVITE';
    const isBusy =
      leg.clientInvite !== null || leg.serverInvite !== null || leg.acceptance !== null;
    if ((isInvite && isBusy) || leg.pendingAck?.isSent === false) {
      leg.sessionTimer?.retry();
      return;
    }
    if (isInvite && leg.localSdp === null) {
      // Nothing that a re-INVITE could repeat.
      this.refresh(leg, 'UPDATE');
      return;
    }
    const frame = dialog.nextRequest(method, null);
    const target = frame.fixedTarget ?? this.#context.targetOf(frame.nextHop);
    if (target === null) {
      return;
    }
    const client = this.#newClient(leg, method);
    if (isInvite) {
      leg.clientInvite = client;
    }
    this.#context.transport.route(target, result => {
      if (!result.ok) {
        this.#endings.forgetClient(client);
        leg.sessionTimer?.retry();
        return;
      }
      const own = ownAddressOn(result.route);
      frame.headers.append('Contact', leg.localContact ?? ownContact(own));
      if (this.#context.userAgent !== null) {
        frame.headers.append('User-Agent', this.#context.userAgent);
      }
      const body = Buffer.from(isInvite ? (leg.localSdp ?? '') : '', 'latin1');
      if (body.length > 0) {
        frame.headers.append('Content-Type', 'application/sdp');
      }
      const request = makeRequest(method, frame.requestUri, frame.headers, body);
      this.#timers.completeRequest(leg, request);
      this.#send(leg, client, request, result.route, MAX_INTERVAL_RETRIES);
    });
  }

  #newClient(leg: Leg, method: string): PendingClient {
    return {
      txnId: this.#context.ids.uuid(),
      app: leg.app,
      leg,
      method,
      transaction: null,
      isCancelled: false,
      patience: null,
      failover: null,
      build: null,
    };
  }

  #send(
    leg: Leg,
    client: PendingClient,
    request: SipRequest,
    route: OutboundRoute,
    retries: number,
  ): void {
    client.transaction = this.#context.transactions.request(request, route, {
      onSent: transaction => (client.transaction = transaction),
      onResponse: (response, source) => {
        if (response.status >= 200) {
          this.#onFinal(leg, client, response, source, retries);
        }
      },
      onTimeout: () => this.#onDead(leg, client),
      onTransportError: () => {
        this.#endings.forgetClient(client);
        leg.sessionTimer?.retry();
      },
    });
  }

  /** §10: no answer at all, or one that says that the dialog is gone, ends the session. */
  #onDead(leg: Leg, client: PendingClient): void {
    this.#endings.forgetClient(client);
    if (leg.state === 'confirmed') {
      this.#endings.byeByEngine(leg, 'Session timer expired');
    }
  }

  #onFinal(
    leg: Leg,
    client: PendingClient,
    response: SipResponse,
    source: MessageSource,
    retries: number,
  ): void {
    const { status } = response;
    const { transaction } = client;
    if (transaction === null) {
      return;
    }
    if (status < 300) {
      this.#onRefreshed(leg, client, response, source);
      return;
    }
    this.#endings.forgetClient(client);
    if (leg.state !== 'confirmed') {
      return;
    }
    const { route, request } = transaction;
    const again = status === 422 ? this.#timers.afterTooSmall(request, response) : null;
    if (again !== null && retries > 0 && route !== null && leg.dialog !== null) {
      again.headers.remove('Via');
      again.headers.set('CSeq', `${leg.dialog.takeSequence()} ${again.method}`);
      if (again.method === 'INVITE') {
        leg.clientInvite = client;
      }
      this.#send(leg, client, again, route, retries - 1);
    } else if (status === 408 || status === 481) {
      this.#onDead(leg, client);
    } else if ((status === 405 || status === 501) && client.method === 'UPDATE') {
      leg.allowsUpdate = false;
      if (leg.localSdp !== null) {
        this.refresh(leg, 'INVITE');
      }
    } else if (status === 491) {
      leg.sessionTimer?.retryIn(glareDelayMs(leg));
    } else {
      leg.sessionTimer?.retry();
    }
  }

  #onRefreshed(
    leg: Leg,
    client: PendingClient,
    response: SipResponse,
    source: MessageSource,
  ): void {
    const { transaction } = client;
    const { dialog } = leg;
    if (transaction === null || dialog === null) {
      return;
    }
    if (client.method === 'INVITE') {
      const known = leg.pendingAck;
      if (known?.txnId === client.txnId) {
        // The same 2xx again: its ACK was lost.
        if (known.sent !== null) {
          this.#context.transactions.resend(known.sent.request, known.sent.route);
        }
        return;
      }
      const cseq = transaction.request.headers.get('cseq') ?? '';
      const sequence = parseNumber(cseq.split(' ')[0] ?? '', 0xffff_ffff) ?? 0;
      const ack = pendingAckOf(client, dialog, sequence);
      leg.pendingAck?.patience?.cancel();
      leg.pendingAck = ack;
      dialog.refreshTarget(response.headers, source);
      this.#acks.send(ack, null);
    } else {
      dialog.refreshTarget(response.headers, source);
    }
    this.#endings.forgetClient(client);
    this.#timers.onAccepted(leg, transaction.request, response);
  }
}

/** RFC 3261 §14.1: the owner of the Call-ID waits for longer. */
function glareDelayMs(leg: Leg): number {
  const random = Math.random();
  return leg.role === 'uac' ? 2100 + 1900 * random : 2000 * random;
}
