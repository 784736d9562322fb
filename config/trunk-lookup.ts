import { type IpNetwork, networkContains, parseIp, parseIpNetwork } from './ip-address';
import { type GatewayConfig, type TrunkConfig } from './schema';

/** A trunk and the name that it is configured under. */
export interface TrunkMatch {
  readonly name: string;
  readonly trunk: TrunkConfig;
}

interface Source extends TrunkMatch {
  readonly network: IpNetwork;
}

const sourcesOf = new WeakMap<GatewayConfig['trunks'], readonly Source[]>();

/**
 * The trunk that a packet's source address belongs to: of all blocks that contain it, the smallest.
 * @param sourceHost an IP literal; an IPv4-mapped IPv6 address counts as IPv4.
 * @returns null for an address of no trunk, and for anything that is no IP literal.
 */
export function matchTrunk(
  config: Pick<GatewayConfig, 'trunks'>,
  sourceHost: string,
): TrunkMatch | null {
  const address = parseIp(sourceHost);
  const source =
    address === null
      ? undefined
      : compiled(config.trunks).find(({ network }) => networkContains(network, address));
  return source === undefined ? null : { name: source.name, trunk: source.trunk };
}

/** Sources of all trunks, smallest block first; compiled once per configuration. */
function compiled(trunks: GatewayConfig['trunks']): readonly Source[] {
  let sources = sourcesOf.get(trunks);
  if (sources === undefined) {
    sources = Object.entries(trunks)
      .flatMap(([name, trunk]) =>
        trunk.sources.flatMap(source => {
          const network = parseIpNetwork(source);
          return typeof network === 'string' ? [] : [{ name, trunk, network }];
        }),
      )
      .sort((a, b) => b.network.prefixBits - a.network.prefixBits);
    sourcesOf.set(trunks, sources);
  }
  return sources;
}
