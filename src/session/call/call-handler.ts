import { type InviteFacts, type IncomingCall, type PagerMessage } from '#sip';

import { type CallDeps } from '../deps';
import { type RouteSettings, type SessionSettings, type TrunkSettings } from '../settings';
import { type CallRegistry } from './call-registry';
import { RecordedCall } from './recorded-call';

/**
 * Decides what happens to a new call: 403 for a peer that nobody configured, 404 without a route, otherwise a
 * {@link RecordedCall} that the registry holds until it is over.
 */
export function createCallHandler(
  deps: CallDeps,
  registry: CallRegistry,
): (call: IncomingCall) => void {
  return call => {
    // The settings of this moment are those of the call for as long as it lasts.
    const { settings, logger } = deps;
    const way = findWay(call.invite, settings);
    if (way.kind === 'refused') {
      logger.warn('call refused', way.log);
      call.reject(way.status, { reason: way.reason });
      return;
    }
    const { trunk, route } = way;
    const recorded = new RecordedCall(call, trunk, route, { ...deps, settings }, registry.events);
    registry.add(call.id, recorded);
    void recorded.begin();
  };
}

/** Sends a MESSAGE the way that a call from there to there would take; nothing of it is recorded. */
export function createMessageHandler(
  deps: Pick<CallDeps, 'settings' | 'logger'>,
): (message: PagerMessage) => void {
  return message => {
    const { settings, logger } = deps;
    const way = findWay(message.facts, settings);
    if (way.kind === 'refused') {
      logger.warn('message refused', way.log);
      message.refuse(way.status, { reason: way.reason });
    } else if (settings.messages === 'refuse') {
      message.refuse(405, { headers: { Allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS' } });
    } else {
      message.relay({
        targets: way.route.targets,
        senderTrusted: way.trunk.trusted,
        receiverTrusted: way.route.trusted,
      });
    }
  };
}

type Way =
  | { readonly kind: 'found'; readonly trunk: TrunkSettings; readonly route: RouteSettings }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly log: Readonly<Record<string, unknown>>;
    };

function findWay(request: InviteFacts, settings: SessionSettings): Way {
  const source = request.source.host;
  const trunk = settings.findTrunk(source);
  if (trunk === null) {
    return { kind: 'refused', status: 403, reason: 'Unknown Peer', log: { source } };
  }
  const route = settings.findRoute(request, trunk);
  return route === null
    ? { kind: 'refused', status: 404, reason: 'No Route', log: { trunk: trunk.trunkId } }
    : { kind: 'found', trunk, route };
}
