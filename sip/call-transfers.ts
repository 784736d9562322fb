import { type LegRole, type Logger } from '#core';
import { type CallConnection, type CallOwner } from './call-connection';
import { type CallLeg } from './call-leg';
import { transferInviteHeaders } from './callee-invite';
import { type DialogDirectory } from './dialog-directory';
import { assertedIdentities, supports } from './identity';
import { type IncomingInvite } from './incoming-invite';
import { parseNameAddr } from './name-addr';
import { type CallTarget, type NameAddr } from './ports';
import { type Replaces, splitReplaces } from './replaces';
import { type RequestLike, type ResponseLike } from './srf-types';
import { type CallTimeouts } from './timeouts';
import { Transfer } from './transfer';
import { type UserAgent } from './user-agent';

export interface CallTransfersOptions {
  readonly incoming: IncomingInvite;
  readonly connection: CallConnection;
  readonly userAgent: UserAgent;
  readonly directory: DialogDirectory;
  readonly timeouts: CallTimeouts;
  readonly logger: Logger;
  readonly call: CallOwner;
}

/** The REFERs of one call that the gateway carries out itself, one at a time. */
export class CallTransfers {
  readonly #options: CallTransfersOptions;
  #transfer: Transfer | null = null;

  constructor(options: CallTransfersOptions) {
    this.#options = options;
  }

  /** @returns false: the REFER is to be relayed; otherwise it has been answered */
  referReceived(from: CallLeg, request: RequestLike, response: ResponseLike): boolean {
    const { userAgent, connection, call } = this.#options;
    const { plan, delegate, media } = connection;
    const named = parseNameAddr(request.get('refer-to') ?? '');
    const { uri, replaces } = splitReplaces(named?.uri ?? '');
    const referTo = named === null ? null : { ...named, uri };
    if (plan.refer !== 'perform' || delegate.resolveTransfer === undefined) {
      return false;
    }
    if (referTo === null || this.#transfer !== null) {
      userAgent.respond(response, referTo === null ? 400 : 491);
      return true;
    }
    let targets: readonly CallTarget[] = [];
    call.tell('resolveTransfer', () => {
      targets = delegate.resolveTransfer?.(from.role, referTo) ?? [];
    });
    if (targets.length === 0 || !media.isAnchored) {
      userAgent.respond(response, 603);
      return true;
    }
    const transfer = this.#newTransfer(from, { referTo, replaces }, request, targets);
    this.#transfer = transfer;
    userAgent.respond(response, 202);
    transfer.start();
    return true;
  }

  /** Whether the BYE of a leg ends nothing but that leg: it has handed the call over. */
  referrerLeft(role: LegRole): boolean {
    if (this.#transfer?.referrer.role !== role) {
      return false;
    }
    this.#transfer.referrerLeft();
    return true;
  }

  /** The call is over. */
  cancel(reason: string | null): void {
    this.#transfer?.cancel(reason);
  }

  #newTransfer(
    from: CallLeg,
    { referTo, replaces }: { referTo: NameAddr; replaces: Replaces | null },
    request: RequestLike,
    targets: readonly CallTarget[],
  ): Transfer {
    const { connection, incoming, call } = this.#options;
    const { plan, delegate, media, bridge } = connection;
    const { facts } = incoming;
    const staying = from.role === 'callee' ? facts.from : facts.to;
    const transfer = new Transfer({
      ...this.#options,
      media,
      referrer: from,
      referNumber: /^\s*(\d+)/.exec(request.get('cseq') ?? '')?.[1] ?? '1',
      owner: bridge.ownerOf(from.role),
      targets,
      redirects: plan.redirects ?? 'pass',
      headersFor: target => ({
        ...connection.sessionIds.towardNewcomer(from.role),
        ...transferInviteHeaders({
          staying,
          referTo,
          target,
          refer: request,
          trusted: from.isTrusted,
          replaces,
          directory: this.#options.directory,
        }),
      }),
      events: {
        replaced: answer => {
          this.#transfer = null;
          connection.sessionIds.replaced(from.role, answer.response);
          media.setRecordAware(from.role, supports(answer.response, 'record-aware'));
          bridge.replaceLeg(from.role, answer.dialog);
          call.tell('partyReplaced', () =>
            delegate.partyReplaced?.(from.role, {
              uri: referTo.uri,
              displayName: referTo.displayName,
              isAttended: replaces !== null,
              assertedIdentities: assertedIdentities(answer.response),
            }),
          );
        },
        failed: () => {
          this.#transfer = null;
          if (transfer.hasReferrerLeft) {
            call.finish({ by: from.role, status: 200, cause: 'bye', reason: null }, null);
          }
        },
      },
    });
    return transfer;
  }
}
