import { errorMessage, type LegRole, type Logger, otherRole, LEG_ROLES } from '#core';
import { CallLeg } from './call-leg';
import { type CallMedia } from './call-media';
import { type DialogDirectory } from './dialog-directory';
import { SipError } from './errors';
import { DialogRelay } from './dialog-relay';
import { ALLOWED_METHODS } from './header-policy';
import { OfferRelay } from './offer-relay';
import {
  type InfoFacts,
  type InfoToSend,
  type InfoVerdict,
  type NameAddr,
  type RecordIndication,
} from './ports';
import { type SessionIds } from './session-id';
import { type DialogOwner, type SipDialog } from './sip-dialog';
import { type RequestLike, type ResponseLike } from './srf-types';
import { type UserAgent } from './user-agent';

export interface CallBridgeOptions {
  readonly userAgent: UserAgent;
  readonly logger: Logger;
  readonly random: () => number;
  readonly media: CallMedia;
  readonly directory: DialogDirectory;
  readonly sessionIds: SessionIds;
  readonly byeMs: number;
  readonly trusted: Readonly<Record<LegRole, boolean>>;
  readonly byeReceived: (
    by: LegRole,
    bye: { readonly request: RequestLike; readonly byEngine: boolean },
  ) => void;
  /** @returns false: the REFER is to be relayed; otherwise it has been or will be answered */
  readonly referReceived: (from: CallLeg, request: RequestLike, response: ResponseLike) => boolean;
  readonly infoReceived: (role: LegRole, info: InfoFacts) => InfoVerdict | Promise<InfoVerdict>;
  readonly identityChanged: (role: LegRole, identities: readonly NameAddr[]) => void;
  /** The call cannot go on. */
  readonly broken: (by: LegRole, cause: string) => void;
}

/** What one side's dialog does with its peer's requests: the bridge decides, knowing which side it is. */
class LegOwner implements DialogOwner {
  readonly #role: LegRole;
  readonly #bridge: CallBridge;

  constructor(role: LegRole, bridge: CallBridge) {
    this.#role = role;
    this.#bridge = bridge;
  }

  offerReceived(request: RequestLike, response: ResponseLike): void {
    this.#bridge.offerReceived(this.#role, request, response);
  }

  requestReceived(request: RequestLike, response: ResponseLike): void {
    this.#bridge.requestReceived(this.#role, request, response);
  }

  byeReceived(bye: { readonly request: RequestLike; readonly byEngine: boolean }): void {
    this.#bridge.byeReceived(this.#role, bye);
  }

  ackReceived(body: string): void {
    this.#bridge.ackReceived(this.#role, body);
  }
}

/** The two dialogs of a call and what passes between them. Each is added when it comes into being. */
export class CallBridge {
  readonly #options: CallBridgeOptions;
  readonly #legs: Partial<Record<LegRole, CallLeg>> = {};
  readonly #offers: OfferRelay;
  readonly #requests: DialogRelay;
  readonly #isTelling: Record<LegRole, boolean> = { caller: false, callee: false };
  #relayed: (() => void) | null = null;
  #isAgreed = false;
  #isOver = false;
  #waitingForAgreement: (() => void)[] = [];

  constructor(options: CallBridgeOptions) {
    this.#options = options;
    const { userAgent, logger, media, sessionIds, identityChanged, broken } = options;
    this.#offers = new OfferRelay({
      userAgent,
      logger,
      media,
      sessionIds,
      identityChanged,
      broken,
      relayed: () => this.#relayed?.(),
    });
    this.#requests = new DialogRelay({
      userAgent,
      directory: options.directory,
      logger,
      sessionIds,
      infoReceived: options.infoReceived,
      dialogLost: leg => broken(leg.role, 'dialog-lost'),
    });
  }

  addLeg(role: LegRole, dialog: SipDialog): CallLeg {
    const leg = new CallLeg({
      role,
      dialog,
      clock: this.#options.userAgent.clock,
      random: this.#options.random,
      isTrusted: this.#options.trusted[role],
    });
    this.#legs[role] = leg;
    dialog.stamp = () => this.#options.sessionIds.toward(role);
    const other = this.#legs[otherRole(role)];
    if (other !== undefined) {
      this.#options.directory.join(dialog, other.dialog);
    }
    return leg;
  }

  /** What the dialog of one side, early or established, does with its peer's requests. */
  ownerOf(role: LegRole): DialogOwner {
    return new LegOwner(role, this);
  }

  /** See DialogOwner, as the three after it. */
  offerReceived(role: LegRole, request: RequestLike, response: ResponseLike): void {
    if (this.#legs[role] === undefined && isBareUpdate(request)) {
      // RFC 3311 §5.1: in an early dialog, too, it refreshes what concerns this leg alone.
      this.#options.userAgent.respond(response, 200, { headers: { Allow: ALLOWED_METHODS } });
      return;
    }
    const pair = this.#pairFor(role, response);
    if (pair !== null) {
      this.#offers.relay({ ...pair, request, response });
    }
  }

  requestReceived(role: LegRole, request: RequestLike, response: ResponseLike): void {
    const pair = this.#pairFor(role, response);
    if (
      pair !== null &&
      !(request.method === 'REFER' && this.#options.referReceived(pair.from, request, response))
    ) {
      this.#requests.relay(pair.from, pair.to, request, response);
    }
  }

  byeReceived(
    role: LegRole,
    bye: { readonly request: RequestLike; readonly byEngine: boolean },
  ): void {
    this.#options.byeReceived(role, bye);
  }

  ackReceived(role: LegRole, body: string): void {
    this.#legs[role]?.acknowledged(body);
  }

  /** Another peer's dialog takes the place of a leg, and the other side is offered what that peer has said. */
  replaceLeg(role: LegRole, dialog: SipDialog): void {
    const old = this.#legs[role];
    if (old !== undefined) {
      this.#options.directory.leave(old.dialog);
      void old.end({}, this.#options.byeMs);
    }
    this.addLeg(role, dialog);
    const other = this.#legs[otherRole(role)];
    if (other !== undefined) {
      this.#offers.restate(other);
    }
    this.#tellIndications();
  }

  /** See IncomingCall.indicate. */
  indicate(state: RecordIndication | null): void {
    this.#options.media.indicate(state);
    this.#tellIndications();
  }

  /** Resolves when both sides have agreed to something. @throws SipError `REC_ERR_SIP_DIALOG_GONE` */
  async whenAgreed(): Promise<void> {
    if (!this.#isAgreed && !this.#isOver) {
      await new Promise<void>(resolve => {
        this.#waitingForAgreement.push(resolve);
      });
    }
    if (this.#isOver) {
      throw new SipError('REC_ERR_SIP_DIALOG_GONE', 'the call is over');
    }
  }

  /** See {@link OfferRelay.alone}. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    return this.#offers.alone(run);
  }

  /** See {@link OfferRelay.offerTo}. */
  offerTo(role: LegRole, body: () => string | null, unneeded?: AbortSignal): Promise<number> {
    const leg = this.#legs[role];
    return leg === undefined
      ? Promise.reject(new SipError('REC_ERR_SIP_DIALOG_GONE', `there is no ${role}`))
      : this.#offers.offerTo(leg, body, unneeded);
  }

  /** Runs `listener` whenever the peers have agreed to an offer of one of them; null: nobody asks any more. */
  whenRelayed(listener: (() => void) | null): void {
    this.#relayed = listener;
  }

  /** An INFO of our own to the peer of a leg that is up. */
  sendInfo(role: LegRole, info: InfoToSend): void {
    const leg = this.#legs[role];
    if (leg !== undefined && !leg.isEnded) {
      this.#requests.sendInfo(leg, info);
    }
  }

  /** The first exchange is over on both sides. */
  agreed(): void {
    if (this.#legs.caller !== undefined && this.#legs.callee !== undefined) {
      this.#isAgreed = true;
      this.#release();
      this.#tellIndications();
    }
  }

  /** Ends both dialogs with BYE; resolves when they are gone. Never rejects. */
  async end(headers: Readonly<Record<string, string>>, byeMs: number): Promise<void> {
    this.#isOver = true;
    this.#offers.close();
    this.#release();
    await Promise.all(
      Object.values(this.#legs).map(async leg => {
        this.#options.directory.leave(leg.dialog);
        await leg.end(headers, byeMs);
      }),
    );
  }

  /** The engine is gone and its dialogs with it: there is nobody to send a BYE. */
  forget(): void {
    for (const leg of Object.values(this.#legs)) {
      leg.dialog.close();
    }
  }

  #release(): void {
    for (const resolve of this.#waitingForAgreement.splice(0)) {
      resolve();
    }
  }

  /** RFC 7866 §7.1.2: a change is offered at once to every peer that understands it, unless an exchange under way tells it. */
  #tellIndications(): void {
    const { media, logger } = this.#options;
    for (const role of LEG_ROLES) {
      if (
        this.#isAgreed &&
        !this.#isOver &&
        !this.#isTelling[role] &&
        media.isIndicationDue(role)
      ) {
        this.#isTelling[role] = true;
        this.alone(() => this.#tellIndication(role))
          .catch((error: unknown) => {
            media.indicationRefused(role);
            logger.info('a peer was not told about the recording', {
              leg: role,
              error: errorMessage(error),
            });
          })
          .finally(() => {
            this.#isTelling[role] = false;
            this.#tellIndications();
          });
      }
    }
  }

  async #tellIndication(role: LegRole): Promise<void> {
    const { media } = this.#options;
    if (media.isIndicationDue(role)) {
      const status = await this.offerTo(role, () => media.restate(role, true));
      if (status >= 300) {
        media.indicationRefused(role);
      }
    }
  }

  #pairFor(role: LegRole, response: ResponseLike): { from: CallLeg; to: CallLeg } | null {
    const from = this.#legs[role];
    const to = this.#legs[otherRole(role)];
    if (from === undefined || to === undefined) {
      // RFC 3311 §5.2 (early UPDATE) and RFC 3261 §14.2: not while the first exchange is open.
      this.#options.userAgent.respond(response, 500, { headers: { 'Retry-After': '1' } });
      return null;
    }
    return { from, to };
  }
}

function isBareUpdate(request: RequestLike): boolean {
  return request.method === 'UPDATE' && (request.body ?? '').trim() === '';
}
