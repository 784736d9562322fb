import {
  formatHostPort,
  formatParams,
  parseHostPort,
  type Params,
  parseParams,
  splitList,
} from './grammar';
import { type HeaderList } from './header-list';

/** Branches of RFC 3261 begin so (§8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK';

/** One Via element (RFC 3261 §20.42). */
export interface Via {
  /** Upper case, e.g. `UDP`. */
  readonly transport: string;
  /** sent-by; lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number | null;
  readonly params: Params;
  /** Only when it is not `2.0`: no such message is understood, but it can be answered (505). */
  readonly version?: string;
}

export function parseVia(text: string): Via | null {
  const match =
    /^\s*SIP\s*\/\s*(\d{1,5}\.\d{1,5})\s*\/\s*([A-Za-z0-9-]{1,20})\s+([^;]+)(;.*)?$/is.exec(text);
  const [, version, transport, sentBy] = match ?? [];
  if (version === undefined || transport === undefined || sentBy === undefined) {
    return null;
  }
  const hostPort = parseHostPort(sentBy.trim());
  const params = parseParams(match?.[4] ?? '');
  return hostPort === null || params === null
    ? null
    : {
        transport: transport.toUpperCase(),
        ...hostPort,
        params,
        ...(version === '2.0' ? {} : { version }),
      };
}

export function formatVia(via: Via): string {
  const sentBy = formatHostPort(via.host, via.port);
  return `SIP/${via.version ?? '2.0'}/${via.transport} ${sentBy}${formatParams(via.params)}`;
}

/**
 * The Via with the source of the request noted in it: `received` when sent-by is not the source address
 * (RFC 3261 §18.2.1) and `rport` when the client asked for it (RFC 3581 §4, which then always wants
 * `received` too).
 */
export function noteSource(via: Via, sourceHost: string, sourcePort: number): Via {
  const params = new Map(via.params);
  const wantsPort = params.has('rport');
  if (wantsPort) {
    params.set('rport', String(sourcePort));
  }
  if (wantsPort || via.host !== sourceHost.toLowerCase()) {
    params.set('received', sourceHost);
  } else {
    params.delete('received');
  }
  return { ...via, params };
}

/** Replaces the topmost Via element, in whatever line it stands. */
export function setTopVia(headers: HeaderList, via: Via): void {
  const [line] = headers.getAll('via');
  if (line === undefined) {
    headers.prepend('Via', formatVia(via));
    return;
  }
  headers.replaceFirst('Via', [formatVia(via), ...splitList(line).slice(1)].join(', '));
}
