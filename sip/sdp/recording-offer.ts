import { type LocalEndpoint, type PayloadFormat } from '#core';
import { type RecordingStreamOffer } from '../ports';
import { addressType, connectionLine, type SdpOrigin } from './sdp-origin';

/**
 * The SDP of a recording session as the SRC offers it (RFC 7866 §7.1): one m-line per stream, each with a
 * label (RFC 4574), `sendonly`, or `inactive` while paused.
 * @param streams one to sixteen; their order is the order of the m-lines for the whole dialog
 */
export function buildRecordingSdp(
  streams: readonly RecordingStreamOffer[],
  origin: SdpOrigin,
): string {
  const host = streams[0]?.local.rtp.host ?? '127.0.0.1';
  const media = streams.flatMap(stream => recordingMediaLines(stream, host));
  const head = ['s=-', connectionLine(host), 't=0 0'];
  const rest = [...head, ...media].join('\r\n');
  return `v=0\r\n${origin.line(host, rest)}\r\n${rest}\r\n`;
}

/** One m-line and what follows it. @param sessionHost host of the session's c= line */
export function recordingMediaLines(
  stream: RecordingStreamOffer,
  sessionHost: string,
): readonly string[] {
  const { rtp } = stream.local;
  const numbers = stream.formats.map(format => format.payloadType).join(' ');
  return [
    `m=audio ${rtp.port} RTP/AVP ${numbers}`,
    ...(rtp.host === sessionHost ? [] : [connectionLine(rtp.host)]),
    ...stream.formats.flatMap(formatLines),
    ...(stream.ptimeMs === undefined ? [] : [`a=ptime:${stream.ptimeMs}`]),
    ...rtcpLines(stream.local),
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
