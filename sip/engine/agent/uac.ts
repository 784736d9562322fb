import { type Dialog } from '../dialog';
import { EngineError } from '../errors';
import {
  HeaderList,
  makeResponse,
  parseSipUri,
  serializeMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
} from '../message';
import { type MessageSource, type OutboundRoute, type Target } from '../transport';
import { requestEcho } from '../wire/leader';
import { isSdp, outgoingHeaders, type OwnAddress } from './app-headers';
import { type AppPort, type AppRequestMeta } from './app-port';
import { type AgentContext, ownAddressOn } from './context';
import { AckSender } from './ack-sender';
import { ClientAttempts } from './client-attempts';
import { InviteClient } from './invite-client';
import { Leg, type PendingClient } from './leg';
import { type LegEndings } from './leg-endings';
import { parseRack } from './reliable-provisionals';
import { RequestBuilder } from './request-builder';
import { SessionRefresher } from './session-refresher';
import { type SessionTimers } from './session-timers';

/** Methods whose 2xx may move the remote target (RFC 3261 §12.2, RFC 3311 §5.2). */
const REFRESH_METHODS: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

/** Builds the request for a known way; called once the way is known. */
type Build = (own: OwnAddress) => SipRequest;

/** Client side: the application's requests and the network's responses (RFC 3261 §8.1, §13.2, §12.2.1). */
export class UserAgentClient {
  readonly #context: AgentContext;
  readonly #endings: LegEndings;
  readonly #builder: RequestBuilder;
  readonly #invites: InviteClient;
  readonly #timers: SessionTimers;
  readonly #refresher: SessionRefresher;

  constructor(context: AgentContext, endings: LegEndings, timers: SessionTimers) {
    this.#context = context;
    this.#endings = endings;
    this.#timers = timers;
    this.#builder = new RequestBuilder(context);
    const acks = new AckSender(context, this.#builder);
    this.#invites = new InviteClient(context, endings, acks, timers);
    this.#refresher = new SessionRefresher(context, endings, acks, timers);
  }

  /** Sends the refresh of a session whose time has come (RFC 4028). */
  refresh(leg: Leg): void {
    this.#refresher.refresh(leg);
  }

  onStrayResponse(response: SipResponse): void {
    this.#invites.onStrayResponse(response);
  }

  /** The application sends a request: in a dialog, a CANCEL, or a new one. */
  request(app: AppPort, meta: AppRequestMeta, message: SipRequest, startLine: string): void {
    if (message.body.length > 0 && !message.headers.has('content-type') && !isSdp(message.body)) {
      this.#context.refuseFrame(app, meta.requestId, 'missing content-type');
    } else if (meta.dialogId !== '') {
      this.#inDialog(app, meta, message);
    } else if (meta.txnId !== '') {
      this.#cancel(app, meta, message);
    } else {
      this.#outOfDialog(app, meta, message, startLine);
    }
  }

  #outOfDialog(app: AppPort, meta: AppRequestMeta, message: SipRequest, startLine: string): void {
    const { method, uri } = message;
    if (parseSipUri(uri) === null || method === 'ACK' || method === 'CANCEL') {
      this.#context.refuseFrame(app, meta.requestId, `invalid request-uri: ${startLine}`);
      return;
    }
    const target = this.#context.targetOf(meta.routeUrl === '' ? uri : meta.routeUrl);
    if (target === null) {
      this.#context.refuseFrame(app, meta.requestId, NO_TRANSPORT);
      return;
    }
    const headers = this.#builder.newRequestHeaders(message);
    const callId = headers.get('call-id') ?? '';
    const fromTag = tagOf(headers.get('from')) ?? '';
    let leg: Leg | null = null;
    if (method === 'INVITE') {
      leg = new Leg(callId, fromTag, 'uac', app);
      if (this.#context.legs.has(leg.id)) {
        this.#context.refuseFrame(
          app,
          meta.requestId,
          'dialog already exists, rejecting this request',
        );
        return;
      }
      this.#context.legs.set(leg.id, leg);
    }
    this.#send(app, meta, method, leg, target, own =>
      this.#builder.completeNew(message, headers, own),
    );
  }

  #inDialog(app: AppPort, meta: AppRequestMeta, message: SipRequest): void {
    const leg = this.#context.legs.get(meta.dialogId);
    if (leg === undefined) {
      const text = 'Server error: unable to find dialog for dialog id provided';
      this.#context.refuseFrame(app, meta.requestId, text);
      return;
    }
    const { method } = message;
    if (method === 'ACK') {
      this.#invites.ack(app, meta, message, leg);
      return;
    }
    const dialog = method === 'PRACK' ? dialogOfPrack(leg, message) : leg.dialog;
    if (dialog?.isReachable !== true) {
      this.#context.refuseFrame(
        app,
        meta.requestId,
        'Server error: unable to find dialog for dialog id provided',
      );
      return;
    }
    const send = (): void => {
      const frame = dialog.nextRequest(method, message.headers.get('max-forwards'));
      const target = frame.fixedTarget ?? this.#context.targetOf(frame.nextHop);
      if (target === null) {
        this.#context.refuseFrame(app, meta.requestId, NO_TRANSPORT);
        return;
      }
      this.#send(app, meta, method, leg, target, own =>
        this.#builder.complete(method, frame.requestUri, frame.headers, message, own),
      );
    };
    // §15: no BYE before the ACK of our 2xx has come, or has been given up.
    if (method === 'BYE' && leg.acceptance !== null) {
      leg.afterAck.push(send);
    } else {
      send();
    }
  }

  #cancel(app: AppPort, meta: AppRequestMeta, message: SipRequest): void {
    const context = this.#context;
    const client = context.clients.get(meta.txnId);
    const transaction = client?.transaction ?? null;
    if (
      message.method !== 'CANCEL' ||
      client?.method !== 'INVITE' ||
      transaction?.finalStatus !== null
    ) {
      const text = `unable to cancel unknown transaction id: ${meta.txnId}`;
      context.refuseFrame(app, meta.requestId, text);
      return;
    }
    client.isCancelled = true;
    const { request, route } = transaction;
    const own = route === null ? null : ownAddressOn(route);
    const extra =
      own === null ? new HeaderList() : outgoingHeaders(message.headers, message.body, own);
    extra.remove('Contact').remove('Content-Type');
    context.transactions.cancel(transaction, extra);
    // Answered at once although the CANCEL may have to wait for a provisional response (§9.1).
    const bytes = serializeMessage({ ...request, method: 'CANCEL', body: Buffer.alloc(0) });
    const echoed = {
      bytes: 0,
      protocol: own?.transport ?? '',
      address: own?.host ?? '',
      port: own?.port ?? 0,
      time: context.now(),
      txnId: context.ids.uuid(),
    };
    app.send(requestEcho(meta.requestId, echoed), bytes);
  }

  /** Finds the way, builds, sends, echoes; then the responses go to the application. */
  #send(
    app: AppPort,
    meta: AppRequestMeta,
    method: string,
    leg: Leg | null,
    target: Target,
    build: Build,
  ): void {
    const context = this.#context;
    const client: PendingClient = {
      txnId: context.ids.uuid(),
      app,
      leg,
      method,
      transaction: null,
      isCancelled: false,
      patience: null,
      failover: null,
      build: this.#withSessionTimer(leg, build),
    };
    const isInvite = method === 'INVITE';
    if (isInvite && leg !== null) {
      // §14.1: one INVITE at a time, in either direction.
      if (leg.clientInvite !== null || (leg.state === 'confirmed' && leg.serverInvite !== null)) {
        this.#refuseGlare(client, meta);
        return;
      }
      leg.clientInvite = client;
    }
    context.clients.set(client.txnId, client);
    context.transport.route(target, result => {
      if (!result.ok) {
        this.#notSent(client, meta, result.error);
        return;
      }
      const { route } = result;
      if (this.#isMyself(route)) {
        this.#endings.forgetClient(client);
        context.refuseFrame(app, meta.requestId, 'can not send request to myself');
        return;
      }
      new ClientAttempts({
        context,
        timers: this.#timers,
        client,
        routes: [route, ...result.alternatives],
        handlers: {
          onSent: ({ request }) => context.echo(app, meta.requestId, request, route, client.txnId),
          onResponse: (response, source) => this.#onResponse(client, response, source),
          onTimeout: () => this.#onNoAnswer(client, 408, 'Request Timeout'),
          onTransportError: () => this.#onNoAnswer(client, 503, 'Service Unavailable'),
          onSurplus: (transaction, response, source) =>
            this.#invites.endSurplus(client, transaction, response, source),
        },
      }).start();
      if (isInvite) {
        client.patience = context.clock.setTimer(context.limits.ringingMs, () =>
          this.#giveUp(client),
        );
      }
    });
  }

  #withSessionTimer(leg: Leg | null, build: Build): Build {
    return own => {
      const request = build(own);
      if (leg !== null) {
        this.#timers.completeRequest(leg, request);
      }
      return request;
    };
  }

  #isMyself(route: OutboundRoute): boolean {
    return this.#context.transport.listeners.some(
      ({ transport, host, port }) =>
        transport === route.transport && port === route.remotePort && host === route.remoteHost,
    );
  }

  /** No way to the target. Without a transport the frame is refused; a name that has no address is 503. */
  #notSent(client: PendingClient, meta: AppRequestMeta, error: Error): void {
    if (error instanceof EngineError && error.code === 'REC_ERR_ENGINE_NO_TRANSPORT') {
      this.#endings.forgetClient(client);
      this.#context.refuseFrame(client.app, meta.requestId, NO_TRANSPORT);
      return;
    }
    this.#answerUnsent(client, meta, 503, 'DNS Error');
  }

  #refuseGlare(client: PendingClient, meta: AppRequestMeta): void {
    this.#answerUnsent(client, meta, 491, 'Request Pending');
  }

  /** The application sees its request echoed and then a response that the engine made up. */
  #answerUnsent(client: PendingClient, meta: AppRequestMeta, status: number, reason: string): void {
    const context = this.#context;
    const [listener] = context.transport.listeners;
    const own: OwnAddress = {
      host: listener?.advertisedHost ?? listener?.host ?? '127.0.0.1',
      port: listener?.advertisedPort ?? listener?.port ?? 5060,
      transport: listener?.transport ?? 'udp',
    };
    const request = client.build?.(own);
    if (request === undefined) {
      return;
    }
    request.headers.prepend(
      'Via',
      `SIP/2.0/${own.transport.toUpperCase()} ${own.host}:${own.port}`,
    );
    const bytes = serializeMessage(request);
    const echoed = {
      bytes: bytes.length,
      protocol: own.transport,
      address: own.host,
      port: own.port,
      time: context.now(),
      txnId: client.txnId,
    };
    client.app.send(requestEcho(meta.requestId, echoed), bytes);
    this.#finish(client, request, status, reason);
  }

  /** 64*T1 without an answer, refused, or connection lost: the application gets a response all the same. */
  #onNoAnswer(client: PendingClient, status: number, reason: string): void {
    const { transaction } = client;
    if (transaction?.finalStatus === null) {
      this.#finish(client, transaction.request, status, reason);
    }
  }

  #finish(client: PendingClient, request: SipRequest, status: number, reason: string): void {
    const { leg } = client;
    const ids = { txnId: client.txnId, dialogId: leg?.id ?? '' };
    this.#endings.forgetClient(client);
    this.#context.deliverMadeUp(client.app, makeResponse(request, status, { reason }), ids);
    if (leg !== null && client.method === 'BYE') {
      this.#endings.remove(leg);
    }
  }

  /** An INVITE that rang for too long. */
  #giveUp(client: PendingClient): void {
    if (client.transaction !== null) {
      client.isCancelled = true;
      this.#context.transactions.cancel(client.transaction);
    }
  }

  #onResponse(client: PendingClient, response: SipResponse, source: MessageSource): void {
    const { status } = response;
    if (status === 100) {
      return;
    }
    if (client.method === 'INVITE' && client.leg !== null) {
      this.#invites.onResponse(client, client.leg, response, source);
      return;
    }
    const { leg } = client;
    const dialogId = leg?.id ?? '';
    if (status >= 200) {
      this.#endings.forgetClient(client);
      if (status < 300 && REFRESH_METHODS.has(client.method)) {
        leg?.dialog?.refreshTarget(response.headers, source);
        if (leg !== null && client.transaction !== null) {
          this.#timers.onAccepted(leg, client.transaction.request, response);
        }
      }
      if (client.method === 'BYE' && leg !== null && status !== 401 && status !== 407) {
        this.#endings.answerPending(leg, 487);
        this.#endings.remove(leg);
      }
    }
    this.#context.deliver(client.app, response, source, { txnId: client.txnId, dialogId });
  }
}

const NO_TRANSPORT = 'requested protocol/transport not available';

/** The early dialog whose reliable response is acknowledged: of a fork there may be several. */
function dialogOfPrack(leg: Leg, prack: SipRequest): Dialog | null {
  const acknowledged = parseRack(prack.headers.get('rack'));
  for (const [tag, { sequence, rseq }] of leg.remoteRseq ?? []) {
    if (acknowledged?.rseq === rseq && acknowledged.sequence === sequence) {
      return leg.dialogWith(tag) ?? leg.dialog;
    }
  }
  return leg.dialog;
}
