import { type DialogRequest } from '../dialog';
import { makeRequest, type SipRequest } from '../message';
import { type OutboundRoute } from '../transport';
import { type OwnAddress } from './app-headers';
import { patienceMs } from '../transaction';
import { type AgentContext, ownAddressOn } from './context';
import { type PendingAck } from './leg';
import { type RequestBuilder } from './request-builder';

/** Sends the ACK of a 2xx, which stands outside of transactions (RFC 3261 §13.2.2.4). */
export class AckSender {
  readonly #context: AgentContext;
  readonly #builder: RequestBuilder;

  constructor(context: AgentContext, builder: RequestBuilder) {
    this.#context = context;
    this.#builder = builder;
  }

  /** @param message what the application gave; null: an ACK of the engine's own */
  send(
    waiting: PendingAck,
    message: SipRequest | null,
    onSent: (ack: SipRequest, route: OutboundRoute) => void = () => undefined,
  ): void {
    const { transport, transactions } = this.#context;
    const frame = waiting.dialog.nextRequest(
      'ACK',
      message?.headers.get('max-forwards') ?? null,
      waiting.sequence,
    );
    const target = frame.fixedTarget ?? this.#context.targetOf(frame.nextHop);
    if (target === null) {
      return;
    }
    transport.route(target, result => {
      if (!result.ok) {
        return;
      }
      const ack = this.#complete(frame, message, ownAddressOn(result.route));
      transactions.send(ack, result.route, {
        onSent: (request, route) => {
          this.#keep(waiting, request, route);
          onSent(request, route);
        },
      });
    });
  }

  /** §13.2.2.4: a 2xx may be repeated for 64*T1, and gets the same ACK again. */
  #keep(waiting: PendingAck, request: SipRequest, route: OutboundRoute): void {
    const { clock, transactions } = this.#context;
    waiting.isSent = true;
    waiting.sent = { request, route };
    waiting.patience?.cancel();
    waiting.patience = clock.setTimer(patienceMs(transactions.timers), () => {
      waiting.sent = null;
    });
  }

  #complete(frame: DialogRequest, message: SipRequest | null, own: OwnAddress): SipRequest {
    return message === null
      ? makeRequest('ACK', frame.requestUri, frame.headers)
      : this.#builder.complete('ACK', frame.requestUri, frame.headers, message, own);
  }
}
