import * as sdpTransform from 'sdp-transform';
import { type Direction } from '#core';
import { SipError } from '../errors';
import { isIP } from 'node:net';

/**
 * A session description (RFC 8866) by its lines. Lines that nobody here understands stay as they came and
 * where they came, so that printing loses nothing.
 */
export interface SessionDescription {
  /** The session-level lines, `v=` first, without line ends. */
  readonly session: readonly string[];
  readonly media: readonly MediaDescription[];
}

/** One m-line with what follows it. */
export interface MediaDescription {
  /** `audio`, `video`, … in lower case. */
  readonly kind: string;
  /** 0: refused or disabled (RFC 3264 §6). */
  readonly port: number;
  /** The `/n` of the port, when present. */
  readonly portCount: number | null;
  /** `RTP/AVP` and so on, in upper case. */
  readonly protocol: string;
  readonly formats: readonly string[];
  /** The lines after the m-line, without line ends. */
  readonly lines: readonly string[];
}

/** Attribute values of one m-line that signalling needs, decoded. */
export interface MediaAttributes {
  readonly rtpmaps: readonly {
    readonly payloadType: number;
    readonly encoding: string;
    readonly clockRateHz: number;
    readonly channels: number;
  }[];
  readonly fmtps: readonly { readonly payloadType: number; readonly value: string }[];
  readonly ptimeMs: number | null;
  /** `a=rtcp` (RFC 3605); host null: the address of RTP. */
  readonly rtcp: { readonly port: number; readonly host: string | null } | null;
  readonly rtcpMux: boolean;
  readonly label: string | null;
}

const MAX_BYTES = 65_536;
const MAX_LINES = 2_000;
const MAX_LINE_CHARS = 4_096;
const MAX_MEDIA = 64;
const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/**
 * Parses and checks a description. What is neither printable ASCII nor a tab is read as `?`, as {@link formatSdp}
 * writes it: what is accepted here is accepted again by whoever reads what we write of it.
 * @throws SipError `REC_ERR_SIP_BAD_SDP` with details `line` (from 1) and `text`: not SDP, an m-line without
 *   a port or format, an active m-line without `c=` at either level, or a bound exceeded
 */
export function parseSdp(text: string): SessionDescription {
  if (text.length > MAX_BYTES) {
    throw badSdp('too large', 0, '');
  }
  const lines = text.split(/\r\n|\n|\r/).map(plain);
  while (lines.at(-1)?.trim() === '') {
    lines.pop();
  }
  if (lines.length > MAX_LINES) {
    throw badSdp('too many lines', MAX_LINES, '');
  }
  // Bare line feeds are written as CRLF.
  if (lines.reduce((sum, line) => sum + line.length + 2, 0) > MAX_BYTES) {
    throw badSdp('too large', 0, '');
  }
  const session: string[] = [];
  const media: { description: MediaDescription; lines: string[]; at: number }[] = [];
  lines.forEach((line, index) => {
    checkLine(line, index + 1);
    if (line.startsWith('m=')) {
      if (media.length === MAX_MEDIA) {
        throw badSdp('too many m-lines', index + 1, line);
      }
      const own: string[] = [];
      media.push({
        description: { ...parseMediaLine(line, index + 1), lines: own },
        lines: own,
        at: index + 1,
      });
    } else {
      (media.at(-1)?.lines ?? session).push(line);
    }
  });
  if (session[0] !== 'v=0') {
    throw badSdp('does not begin with v=0', 1, lines[0] ?? '');
  }
  const description = { session, media: media.map(entry => entry.description) };
  for (const entry of media) {
    // RFC 8866 §5.7: a c= in every m-section or one for the session.
    const host = connectionHost(description, entry.description);
    if (entry.description.port !== 0 && host === null) {
      throw badSdp('no c= line for the m-line', entry.at, mediaLine(entry.description));
    }
    // A host name is allowed but discouraged; taken and not resolved, it would be a call without sound.
    if (entry.description.port !== 0 && host !== null && !isAddress(host)) {
      throw badSdp('no IP address in the c= line for', entry.at, mediaLine(entry.description));
    }
  }
  return description;
}

/** Prints with CRLF line ends. Characters beyond ASCII become `?`, so that characters equal octets. */
export function formatSdp(description: SessionDescription): string {
  const lines = [...description.session];
  for (const media of description.media) {
    lines.push(mediaLine(media), ...media.lines);
  }
  return lines.map(line => `${plain(line)}\r\n`).join('');
}

/** A line without anything beyond ASCII. A NUL stays: whoever reads it refuses it (RFC 8866 §9). */
function plain(line: string): string {
  return line.replace(/[^\0\t -~]/g, '?');
}

/** The text of an m-line. */
export function mediaLine(media: MediaDescription): string {
  const port = media.portCount === null ? String(media.port) : `${media.port}/${media.portCount}`;
  return `m=${media.kind} ${port} ${media.protocol} ${media.formats.join(' ')}`;
}

/** Name of the attribute of an `a=` line in lower case, or null for other lines. */
export function attributeName(line: string): string | null {
  return line.startsWith('a=') ? (line.slice(2).split(':', 1)[0] ?? '').trim().toLowerCase() : null;
}

/** The address of the c= line in force for an m-line (RFC 8866 §5.7), or null without a usable one. */
export function connectionHost(
  description: SessionDescription,
  media: MediaDescription,
): string | null {
  const line =
    media.lines.find(each => each.startsWith('c=')) ??
    description.session.find(each => each.startsWith('c='));
  const match = line === undefined ? null : /^c=IN IP[46] ([^\s/]+)/i.exec(line);
  return match?.[1] ?? null;
}

/** The direction in force for an m-line: its own, else the session's, else sendrecv (RFC 8866 §6.7). */
export function directionOf(description: SessionDescription, media: MediaDescription): Direction {
  return statedDirection(media.lines) ?? statedDirection(description.session) ?? 'sendrecv';
}

/** The last direction attribute among some lines, or null. */
export function statedDirection(lines: readonly string[]): Direction | null {
  const name = lines.map(attributeName).findLast(each => each !== null && DIRECTIONS.has(each));
  return (name ?? null) as Direction | null;
}

/** Whether an attribute stands at the m-line or, failing that, at the session. */
export function hasAttribute(
  description: SessionDescription,
  media: MediaDescription,
  name: string,
): boolean {
  return [...media.lines, ...description.session].some(line => attributeName(line) === name);
}

/** Decodes the attributes of an m-line that signalling needs. Unusable values are left out. */
export function mediaAttributes(media: MediaDescription): MediaAttributes {
  const parsed = sdpTransform.parse(['v=0', mediaLine(media), ...media.lines].join('\r\n'));
  const section = parsed.media[0];
  const rtcpPort = section?.rtcp?.port;
  return {
    rtpmaps: (section?.rtp ?? []).flatMap(map =>
      isPayloadType(map.payload) && Number.isInteger(map.rate) && Number(map.rate) > 0
        ? [
            {
              payloadType: map.payload,
              encoding: asText(map.codec).toUpperCase(),
              clockRateHz: Number(map.rate),
              channels: positiveInteger(map.encoding) ?? 1,
            },
          ]
        : [],
    ),
    fmtps: (section?.fmtp ?? []).flatMap(each =>
      isPayloadType(each.payload)
        ? [{ payloadType: each.payload, value: asText(each.config) }]
        : [],
    ),
    ptimeMs: positiveInteger(section?.ptime),
    rtcp:
      rtcpPort !== undefined && Number.isInteger(rtcpPort) && rtcpPort > 0 && rtcpPort < 65_536
        ? { port: rtcpPort, host: section?.rtcp?.address ?? null }
        : null,
    rtcpMux: section?.rtcpMux !== undefined,
    label: media.lines.find(line => line.startsWith('a=label:'))?.slice(8) ?? null,
  };
}

function checkLine(line: string, number: number): void {
  if (line.length > MAX_LINE_CHARS) {
    throw badSdp('line too long', number, line);
  }
  // RFC 8866 §9: a byte-string has no NUL.
  if (!/^[a-z]=/.test(line) || line.includes('\u0000')) {
    throw badSdp('not a type=value line', number, line);
  }
}

function parseMediaLine(line: string, number: number): Omit<MediaDescription, 'lines'> {
  const match = /^m=(\S+) +(\d{1,5})(?:\/(\d{1,5}))? +(\S+) +(\S.*)$/.exec(line.trimEnd());
  const [, kind, port, portCount, protocol, formats] = match ?? [];
  if (kind === undefined || protocol === undefined || formats === undefined) {
    throw badSdp('an m-line needs a media type, a port, a protocol and a format', number, line);
  }
  if (Number(port) > 65_535) {
    throw badSdp('port out of range', number, line);
  }
  return {
    kind: kind.toLowerCase(),
    port: Number(port),
    portCount: portCount === undefined ? null : Number(portCount),
    protocol: protocol.toUpperCase(),
    formats: formats.split(/ +/),
  };
}

function isPayloadType(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 127;
}

/** sdp-transform turns all-digit text into numbers, whatever its types say. */
function asText(value: string | number): string {
  return String(value);
}

function positiveInteger(value: unknown): number | null {
  const number = Number(value);
  return value !== undefined && Number.isInteger(number) && number > 0 ? number : null;
}

function badSdp(what: string, line: number, text: string): SipError {
  const shown = text.slice(0, 120).replace(/[^ -~]/g, '?');
  return new SipError('REC_ERR_SIP_BAD_SDP', `bad SDP, line ${line}: ${what}`, {
    details: { line, text: shown },
  });
}

/** An IP literal without a zone (`%eth0`), which means nothing to anybody else. */
function isAddress(host: string): boolean {
  return isIP(host) !== 0 && !host.includes('%');
}
