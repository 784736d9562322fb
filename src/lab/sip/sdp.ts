import { type Direction, type PayloadFormat, type TransportAddress } from '#core';
import { LabError } from '../errors';

/**
 * The lab's own reading and writing of SDP (RFC 8866): line by line, so that a judgement about a peer's body
 * rests on what is on the wire and not on the product's own SDP code.
 */

const MAX_LINES = 1000;
const MAX_MEDIA = 32;
const DIRECTIONS: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** RFC 3551 §6: payload types that need no `a=rtpmap`. */
const STATIC_FORMATS: Readonly<Record<number, Omit<PayloadFormat, 'payloadType'>>> = {
  0: { encoding: 'PCMU', clockRateHz: 8000, channels: 1 },
  8: { encoding: 'PCMA', clockRateHz: 8000, channels: 1 },
  9: { encoding: 'G722', clockRateHz: 8000, channels: 1 },
  18: { encoding: 'G729', clockRateHz: 8000, channels: 1 },
};

export interface SdpMedia {
  /** `audio`, `video`, … */
  readonly kind: string;
  /** 0: refused or removed. */
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly PayloadFormat[];
  /** With the session's as the default, and `sendrecv` as the default of that (RFC 8866 §6.7). */
  readonly direction: Direction;
  /** Where the writer wants RTP; null: `c=0.0.0.0` or port 0. */
  readonly rtp: TransportAddress | null;
  readonly rtcp: TransportAddress | null;
  readonly rtcpMux: boolean;
  /** `a=label` (RFC 4574). */
  readonly label: string | null;
  /** The m= line and all below it, verbatim. */
  readonly lines: readonly string[];
}

export interface Sdp {
  /** The o= line: everything but the version tells the session (RFC 8866 §5.2). */
  readonly origin: { readonly session: string; readonly version: number };
  readonly media: readonly SdpMedia[];
}

/** @throws LabError `REC_ERR_LAB_BAD_SDP` naming the line. */
export function parseSdp(text: string): Sdp {
  const lines = text.split(/\r\n|\n/).filter(line => line !== '');
  if (lines.length > MAX_LINES) {
    throw badSdp(`it has ${lines.length} lines`);
  }
  const bad = lines.find(line => !/^[a-z]=/.test(line));
  if (bad !== undefined) {
    throw badSdp(`"${bad.slice(0, 80)}" is no SDP line`);
  }
  if (lines[0] !== 'v=0') {
    throw badSdp('it does not begin with v=0');
  }
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  if (starts.length > MAX_MEDIA) {
    throw badSdp(`it has ${starts.length} media descriptions`);
  }
  const session = lines.slice(0, starts[0] ?? lines.length);
  return {
    origin: parseOrigin(session),
    media: starts.map((start, n) => parseMedia(lines.slice(start, starts[n + 1]), session)),
  };
}

function parseOrigin(session: readonly string[]): Sdp['origin'] {
  const line = session.find(candidate => candidate.startsWith('o='));
  const fields = line?.slice(2).split(' ') ?? [];
  const version = Number(fields[2]);
  if (fields.length !== 6 || !/^\d+$/.test(fields[2] ?? '')) {
    throw badSdp(`"${(line ?? 'o=').slice(0, 80)}" is no o= line`);
  }
  return { session: fields.filter((_, n) => n !== 2).join(' '), version };
}

function parseMedia(lines: readonly string[], session: readonly string[]): SdpMedia {
  const first = lines[0] ?? '';
  const match = /^m=(\S+) (\d{1,5})(?:\/\d+)? (\S+) (\S.*)$/.exec(first);
  const [, kind, portText, protocol, formatList] = match ?? [];
  const port = Number(portText);
  if (
    kind === undefined ||
    protocol === undefined ||
    formatList === undefined ||
    !(port <= 65535)
  ) {
    throw badSdp(`"${first.slice(0, 80)}" is no m= line`);
  }
  const host = connectionHost(lines) ?? connectionHost(session);
  if (host === null && port !== 0) {
    throw badSdp(`"${first.slice(0, 80)}" has no c= line`);
  }
  const isHeld = host === '0.0.0.0' || host === '::';
  const rtp = host === null || isHeld || port === 0 ? null : { host, port };
  return {
    kind,
    port,
    protocol,
    formats: parseFormats(formatList, lines),
    direction: directionOf(lines) ?? directionOf(session) ?? 'sendrecv',
    rtp,
    rtcp: rtp === null ? null : rtcpAddress(lines, rtp),
    rtcpMux: lines.includes('a=rtcp-mux'),
    label: attribute(lines, 'label'),
    lines,
  };
}

function connectionHost(lines: readonly string[]): string | null {
  const line = lines.find(candidate => candidate.startsWith('c='));
  if (line === undefined) {
    return null;
  }
  const match = /^c=IN IP[46] ([^\s/]+)(?:\/\S+)?$/.exec(line);
  if (match?.[1] === undefined) {
    throw badSdp(`"${line.slice(0, 80)}" is no c= line`);
  }
  return match[1];
}

/** RFC 3605; without `a=rtcp` the next port (RFC 3550 §11). */
function rtcpAddress(lines: readonly string[], rtp: TransportAddress): TransportAddress {
  const [port, , , host] = attribute(lines, 'rtcp')?.split(' ') ?? [];
  return {
    host: host ?? rtp.host,
    port: port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : rtp.port + 1,
  };
}

function parseFormats(formatList: string, lines: readonly string[]): PayloadFormat[] {
  return formatList.split(' ').flatMap(text => {
    const payloadType = Number(text);
    if (!Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127) {
      return [];
    }
    const map = attribute(lines, 'rtpmap', text)?.split('/');
    const fmtp = attribute(lines, 'fmtp', text);
    const known = STATIC_FORMATS[payloadType];
    if (map === undefined && known === undefined) {
      return [];
    }
    const format = {
      payloadType,
      encoding: (map?.[0] ?? known?.encoding ?? '').toUpperCase(),
      clockRateHz: Number(map?.[1] ?? known?.clockRateHz),
      channels: Number(map?.[2] ?? 1),
    };
    return [fmtp === null ? format : { ...format, fmtp }];
  });
}

/** The value of `a=name:value`, or with a format of `a=name:format value`. */
function attribute(lines: readonly string[], name: string, format?: string): string | null {
  const prefix = format === undefined ? `a=${name}:` : `a=${name}:${format} `;
  return lines.find(line => line.startsWith(prefix))?.slice(prefix.length) ?? null;
}

function directionOf(lines: readonly string[]): Direction | null {
  const line = lines.find(candidate => DIRECTIONS.includes(candidate.slice(2)));
  return line?.startsWith('a=') === true ? (line.slice(2) as Direction) : null;
}

function badSdp(why: string): LabError {
  return new LabError('REC_ERR_LAB_BAD_SDP', `the SDP cannot be used: ${why}`);
}

/** One m-line of ours. */
export interface SdpMediaOptions {
  readonly kind?: string;
  readonly protocol?: string;
  /** 0 refuses or removes the stream. */
  readonly port: number;
  readonly rtcpPort?: number;
  readonly formats: readonly PayloadFormat[];
  readonly direction: Direction;
  readonly label?: string | null;
  readonly rtcpMux?: boolean;
  /** Written into a c= line of this m-line, e.g. `0.0.0.0` for the hold of RFC 2543. */
  readonly connectionHost?: string;
  /** An `a=crypto` line (RFC 4568). */
  readonly crypto?: string;
}

export interface SdpOptions {
  readonly sessionId: string;
  /** One higher than before in each body that differs (RFC 3264 §8). */
  readonly version: number;
  /** IP literal. */
  readonly host: string;
  readonly media: readonly SdpMediaOptions[];
}

export function formatSdp(options: SdpOptions): string {
  const address = (host: string): string => `IN ${host.includes(':') ? 'IP6' : 'IP4'} ${host}`;
  const lines = [
    'v=0',
    `o=lab ${options.sessionId} ${options.version} ${address(options.host)}`,
    's=-',
    `c=${address(options.host)}`,
    't=0 0',
  ];
  for (const media of options.media) {
    const payloadTypes = media.formats.map(format => format.payloadType);
    // RFC 3264 §6: a refused stream still lists a format.
    const list = payloadTypes.length === 0 ? '0' : payloadTypes.join(' ');
    lines.push(`m=${media.kind ?? 'audio'} ${media.port} ${media.protocol ?? 'RTP/AVP'} ${list}`);
    if (media.connectionHost !== undefined) {
      lines.push(`c=${address(media.connectionHost)}`);
    }
    for (const format of media.formats) {
      const name = format.encoding === 'TELEPHONE-EVENT' ? 'telephone-event' : format.encoding;
      lines.push(`a=rtpmap:${format.payloadType} ${name}/${format.clockRateHz}`);
      if (format.fmtp !== undefined) {
        lines.push(`a=fmtp:${format.payloadType} ${format.fmtp}`);
      }
    }
    if (media.crypto !== undefined && media.port !== 0) {
      lines.push(media.crypto);
    }
    if (media.port !== 0) {
      lines.push('a=ptime:20', `a=${media.direction}`);
    }
    if (media.rtcpPort !== undefined && media.port !== 0) {
      lines.push(`a=rtcp:${media.rtcpPort}`);
    }
    if (media.rtcpMux === true) {
      lines.push('a=rtcp-mux');
    }
    if (media.label !== undefined && media.label !== null) {
      lines.push(`a=label:${media.label}`);
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}
