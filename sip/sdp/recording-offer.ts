import { type LocalEndpoint, type PayloadFormat } from '#core';
import { type RecordingStreamOffer } from '../ports';
import { type CryptoLine, cryptoLine, profileFor } from './crypto';
import { addressType, connectionLine, type SdpOrigin } from './sdp-origin';

/** Our keys toward one SRS: what each stream offers, kept for as long as the dialog lasts. */
export interface RecordingKeys {
  /** In the order of preference; empty: plain RTP. @param index of the stream. */
  offer(index: number, stream: RecordingStreamOffer): readonly CryptoLine[];
}

/** Streams without protection. */
const NO_KEYS: RecordingKeys = { offer: () => [] };

/**
 * The SDP of a recording session as the SRC offers it (RFC 7866 §7.1): one m-line per stream, each with a
 * label (RFC 4574), `sendonly`, or `inactive` while paused.
 * @param streams one to sixteen; their order is the order of the m-lines for the whole dialog
 * @param keys those of the dialog; needed as soon as a stream has `srtpSuites`
 */
export function buildRecordingSdp(
  streams: readonly RecordingStreamOffer[],
  origin: SdpOrigin,
  keys: RecordingKeys = NO_KEYS,
): string {
  const host = streams[0]?.local.rtp.host ?? '127.0.0.1';
  const media = streams.flatMap((stream, index) =>
    recordingMediaLines(stream, host, keys.offer(index, stream)),
  );
  const head = ['s=-', connectionLine(host), 't=0 0'];
  const rest = [...head, ...media].join('\r\n');
  return `v=0\r\n${origin.line(host, rest)}\r\n${rest}\r\n`;
}

/**
 * One m-line and what follows it.
 * @param sessionHost host of the session's c= line
 * @param crypto `a=crypto` lines; with any, the stream is RTP/SAVP (RFC 4568 §6)
 * @param protocol of the offer that is answered
 */
export function recordingMediaLines(
  stream: RecordingStreamOffer,
  sessionHost: string,
  crypto: readonly CryptoLine[],
  protocol = 'RTP/AVP',
): readonly string[] {
  const { rtp } = stream.local;
  const numbers = stream.formats.map(format => format.payloadType).join(' ');
  return [
    `m=audio ${rtp.port} ${profileFor(protocol, crypto.length > 0)} ${numbers}`,
    ...(rtp.host === sessionHost ? [] : [connectionLine(rtp.host)]),
    ...stream.formats.flatMap(formatLines),
    ...(stream.ptimeMs === undefined ? [] : [`a=ptime:${stream.ptimeMs}`]),
    ...rtcpLines(stream.local),
    ...crypto.map(cryptoLine),
    `a=${stream.direction}`,
    `a=label:${stream.label}`,
  ];
}

function formatLines(format: PayloadFormat): readonly string[] {
  const channels = format.channels > 1 ? `/${format.channels}` : '';
  return [
    `a=rtpmap:${format.payloadType} ${format.encoding === 'TELEPHONE-EVENT' ? 'telephone-event' : format.encoding}/${format.clockRateHz}${channels}`,
    ...(format.fmtp === undefined ? [] : [`a=fmtp:${format.payloadType} ${format.fmtp}`]),
  ];
}

/** `a=rtcp` (RFC 3605) is due only where RTCP is not on the next port of the same address. */
export function rtcpLines(local: LocalEndpoint): readonly string[] {
  if (local.rtcp.host === local.rtp.host) {
    return local.rtcp.port === local.rtp.port + 1 ? [] : [`a=rtcp:${local.rtcp.port}`];
  }
  return [`a=rtcp:${local.rtcp.port} IN ${addressType(local.rtcp.host)} ${local.rtcp.host}`];
}
