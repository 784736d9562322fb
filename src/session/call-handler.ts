import { type IncomingCall } from '#sip';

import { type CallRegistry } from './call-registry';
import { type CallDeps } from './deps';
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
    const { invite } = call;
    // The settings of this moment are those of the call for as long as it lasts.
    const { settings } = deps;
    const trunk = settings.findTrunk(invite.source.host);
    if (trunk === null) {
      deps.logger.warn('call from an unknown peer refused', { source: invite.source.host });
      call.reject(403, { reason: 'Unknown Peer' });
      return;
    }
    const route = settings.findRoute(invite, trunk);
    if (route === null) {
      deps.logger.warn('call without a route refused', { trunk: trunk.trunkId });
      call.reject(404, { reason: 'No Route' });
      return;
    }
    const recorded = new RecordedCall(call, trunk, route, { ...deps, settings }, registry.events);
    registry.add(call.id, recorded);
    void recorded.begin();
  };
}
