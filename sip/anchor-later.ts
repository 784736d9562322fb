import { errorMessage, type Logger } from '#core';
import { type CallConnection } from './call-connection';
import { openBothLegs } from './call-setup';
import { SipError } from './errors';
import { type CallTimeouts } from './timeouts';
import { type UserAgent } from './user-agent';

export interface AnchorLaterOptions {
  readonly connection: CallConnection;
  readonly userAgent: UserAgent;
  readonly timeouts: CallTimeouts;
  readonly logger: Logger;
}

/**
 * Takes the media of a call that went around us through us: each peer is offered, in the name of the other one, our address in
 * a re-INVITE. The callee first; when the caller then refuses, the callee is given the caller's own address back.
 *
 * Whoever has come into the call often makes an offer itself at the same moment, and the offers cross: ours has to wait up
 * to 4 s then (RFC 3261 §14.1). What the peers agree to meanwhile has our address in it already, and ends the waiting.
 */
export class AnchorLater {
  readonly #options: AnchorLaterOptions;
  #running: Promise<void> | null = null;

  constructor(options: AnchorLaterOptions) {
    this.#options = options;
  }

  /** @throws see IncomingCall.anchor */
  anchor(): Promise<void> {
    this.#running ??= this.#anchor().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #anchor(): Promise<void> {
    const { connection, userAgent, timeouts } = this.#options;
    const { media, bridge } = connection;
    if (media.isAnchored) {
      return;
    }
    await bridge.whenAgreed();
    await openBothLegs(connection, userAgent, timeouts);
    await bridge.alone(async () => {
      media.beginAnchoring();
      const relayed = new AbortController();
      bridge.whenRelayed(() => relayed.abort());
      try {
        await this.#offerBoth(relayed.signal);
      } finally {
        bridge.whenRelayed(null);
      }
    });
  }

  async #offerBoth(relayed: AbortSignal): Promise<void> {
    const { connection, logger } = this.#options;
    const { media, bridge } = connection;
    for (const role of ['callee', 'caller'] as const) {
      const status = await bridge
        .offerTo(role, () => media.restate(role), relayed)
        .catch(() => 408);
      if (relayed.aborted) {
        return;
      }
      if (status < 300) {
        continue;
      }
      const told = role === 'caller' ? 'callee' : null;
      const previous = media.endAnchoring(told ?? 'caller');
      if (told !== null) {
        await bridge
          .offerTo(told, () => previous)
          .catch((error: unknown) => {
            logger.warn('a peer could not be given its address back', {
              error: errorMessage(error),
            });
          });
      }
      throw new SipError('REC_ERR_SIP_NOT_ANCHORABLE', `the ${role} refused our address`, {
        details: { reason: 'refused', role, status },
      });
    }
  }
}
