import { type LocalEndpoint, type SrtpSuite } from '#core';
import { SipError } from '../errors';
import { cryptoLines, isSecureProfile } from './crypto';
import { type MediaSecurity } from './leg-security';
import { toDirection } from './offer-answer';
import { rtcpLines } from './recording-offer';
import { statedFlow } from './remote-stream';
import { connectionLine, type SdpOrigin } from './sdp-origin';
import {
  attributeName,
  connectionHost,
  formatSdp,
  type MediaDescription,
  mediaLine,
  type SessionDescription,
  statedDirection,
} from './session-description';

type NotAnchorable = 'srtp-only' | 'no-audio';

/** Which m-line of an offer goes through us, or why none can. */
export type AnchorableMedia =
  | { readonly index: number; readonly reason: null }
  | { readonly index: null; readonly reason: NotAnchorable };

/** Our side of one leg in the description that we write to it. */
export interface AnchorSide {
  readonly local: LocalEndpoint;
  readonly origin: SdpOrigin;
  /** State `a=rtcp-mux` (RFC 5761). */
  readonly rtcpMux: boolean;
  /** Let m-lines that are no audio pass around us. */
  readonly passOthers?: boolean;
  /** Absent: the profile that the other leg has, without keys. */
  readonly security?: MediaSecurity;
}

const PLAIN_RTP: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF']);

/**
 * Attributes that speak of the other leg's own transport, keys, sources or bundling. They are untrue once
 * the media passes through us.
 */
const TRANSPORT_ATTRIBUTES: ReadonlySet<string> = new Set([
  // Other addresses (RFC 6947), potential configurations with other transports and keys (RFC 5939, RFC 6871).
  'acap',
  'acfg',
  'altc',
  'bundle-only',
  'candidate',
  'creq',
  'crypto',
  'csup',
  'end-of-candidates',
  'fingerprint',
  'group',
  'identity',
  'key-mgmt',
  'lcfg',
  'mfcap',
  'mid',
  'msid',
  'msid-semantic',
  'mscap',
  'omcap',
  'pcfg',
  'remote-candidates',
  'rtcp',
  'rtcp-mux',
  'rtcp-mux-only',
  'rmcap',
  'sescap',
  'setup',
  'source-filter',
  'ssrc',
  'ssrc-group',
  'tcap',
  'tls-id',
  'zrtp-hash',
]);

/** Whether an m-line is audio that can go through us: plain RTP, or SRTP with an SDES key of one of the suites. */
export function isAnchorable(
  media: MediaDescription | undefined,
  suites: readonly SrtpSuite[],
): media is MediaDescription {
  return (
    media?.kind === 'audio' &&
    (PLAIN_RTP.has(media.protocol) ||
      (suites.length > 0 &&
        isSecureProfile(media.protocol) &&
        cryptoLines(media).some(({ suite }) => suites.includes(suite))))
  );
}

/**
 * The first audio m-line that can go through us; everything else is left to {@link anchorDescription} to refuse.
 * @param suites of SRTP that are taken; empty: plain RTP only
 * @throws SipError `REC_ERR_SIP_BAD_SDP` for broken `a=crypto` lines
 */
export function findAnchorableMedia(
  offer: SessionDescription,
  suites: readonly SrtpSuite[] = [],
): AnchorableMedia {
  const active = offer.media.filter(media => media.kind === 'audio' && media.port !== 0);
  const chosen = active.find(media => isAnchorable(media, suites));
  if (chosen !== undefined) {
    return { index: offer.media.indexOf(chosen), reason: null };
  }
  return { index: null, reason: active.length > 0 ? 'srtp-only' : 'no-audio' };
}

/**
 * Rewrites the description of one leg for the other: our address, port and RTCP on the anchored m-line, our
 * own origin, every other m-line refused with port 0 (or passed) in its place, so that both legs count m-lines alike, no trace
 * of ICE, BUNDLE, keys or sources. Directions stay; a hold by `c=0.0.0.0` becomes a direction, because
 * our address takes the place of the zeros (RFC 3264 §8.4). Unknown lines pass.
 *
 * @param mediaIndex the anchored m-line
 * @param shape for an answer: the offer that it must match m-line by m-line (RFC 3264 §6)
 */
export function anchorDescription(
  description: SessionDescription,
  mediaIndex: number,
  side: AnchorSide,
  shape: SessionDescription = description,
): string {
  const host = side.local.rtp.host;
  const session = description.session.filter(
    line =>
      !/^[vocmk]=/.test(line) && !isTransportAttribute(line) && statedDirection([line]) === null,
  );
  insertMissing(session, 's=', 's=-');
  insertMissing(session, 't=', 't=0 0');
  const at = session.findIndex(line => /^[btrza]=/.test(line));
  session.splice(at === -1 ? session.length : at, 0, connectionLine(host));

  const media = shape.media.map((shaped, index) => {
    const own = description.media[index];
    return index === mediaIndex && own !== undefined
      ? anchorMedia(description, own, side)
      : side.passOthers === true && own !== undefined && isPassable(description, own)
        ? passMedia(description, own)
        : refuse(shaped);
  });
  const rest = [...session, ...media.flatMap(each => [mediaLine(each), ...each.lines])];
  const origin = side.origin.line(host, rest.join('\r\n'));
  return formatSdp({ session: ['v=0', origin, ...session], media });
}

function anchorMedia(
  description: SessionDescription,
  media: MediaDescription,
  side: AnchorSide,
): MediaDescription {
  const protocol = side.security?.protocolFor(media.protocol) ?? media.protocol;
  if (media.port === 0) {
    return refuse({ ...media, protocol });
  }
  const lines = media.lines.filter(
    line => !/^[ck]=/.test(line) && !isTransportAttribute(line) && statedDirection([line]) === null,
  );
  const direction = toDirection(statedFlow(description, media));
  const wasStated =
    statedDirection(media.lines) !== null || statedDirection(description.session) !== null;
  return {
    ...media,
    protocol,
    port: side.local.rtp.port,
    portCount: null,
    lines: [
      ...lines,
      ...(side.rtcpMux ? ['a=rtcp-mux'] : rtcpLines(side.local)),
      ...(side.security?.lines ?? []),
      ...(wasStated || direction !== 'sendrecv' ? [`a=${direction}`] : []),
    ],
  };
}

/** RFC 3264 §6: a refused stream keeps its place with port 0; its formats no longer matter. */
function refuse(media: MediaDescription): MediaDescription {
  return { ...media, port: 0, portCount: null, lines: [] };
}

/**
 * Whether an m-line can go around us while the audio goes through: it is no audio, and needs nothing of what the session
 * says about keys, ICE or bundling, which is not true any more.
 */
function isPassable(description: SessionDescription, media: MediaDescription): boolean {
  const needsSession = [...description.session, ...media.lines].some(line =>
    /^a=(?:ice-|candidate|fingerprint|crypto|key-mgmt|bundle-only)/i.test(line),
  );
  return media.kind !== 'audio' && media.port !== 0 && !needsSession;
}

/** An m-line as its writer has it, with the address that it took from the session. */
function passMedia(description: SessionDescription, media: MediaDescription): MediaDescription {
  const host = connectionHost(description, media);
  const lines = media.lines.filter(line => !/^a=(?:mid|msid)\b/i.test(line));
  return lines.some(line => line.startsWith('c=')) || host === null
    ? { ...media, lines }
    : { ...media, lines: [connectionLine(host), ...lines] };
}

function isTransportAttribute(line: string): boolean {
  const name = attributeName(line);
  return name !== null && (TRANSPORT_ATTRIBUTES.has(name) || name.startsWith('ice-'));
}

/** RFC 8866 §5: s= and t= are mandatory; peers that leave them out are completed, in their place. */
function insertMissing(session: string[], prefix: string, line: string): void {
  if (!session.some(each => each.startsWith(prefix))) {
    const at = prefix === 's=' ? 0 : session.findIndex(each => /^[rza]=/.test(each));
    session.splice(at === -1 ? session.length : at, 0, line);
  }
}

/** @returns the error for an offer that cannot go through us. */
export function notAnchorable(reason: NotAnchorable): SipError {
  const message =
    reason === 'srtp-only'
      ? 'only plain RTP and SRTP with SDES keys are supported'
      : 'an audio stream is required';
  return new SipError('REC_ERR_SIP_NOT_ANCHORABLE', message, { details: { reason } });
}
