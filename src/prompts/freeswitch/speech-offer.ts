/** A format in which FreeSWITCH may speak to us. */
export interface SpeechFormat {
  readonly payloadType: number;
  readonly encoding: 'L16' | 'PCMU' | 'PCMA';
  readonly clockRateHz: number;
}

/** Best first. */
export const SPEECH_FORMATS: readonly SpeechFormat[] = [
  { payloadType: 97, encoding: 'L16', clockRateHz: 16_000 },
  { payloadType: 0, encoding: 'PCMU', clockRateHz: 8000 },
  { payloadType: 8, encoding: 'PCMA', clockRateHz: 8000 },
];

/** SDP of who only listens, and listens there (RFC 4566, RFC 3264). */
export function speechOffer(host: string, port: number): string {
  const family = host.includes(':') ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=- 1 1 IN ${family} ${host}`,
    's=-',
    `c=IN ${family} ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${SPEECH_FORMATS.map(({ payloadType }) => payloadType).join(' ')}`,
    ...SPEECH_FORMATS.map(
      ({ payloadType, encoding, clockRateHz }) =>
        `a=rtpmap:${payloadType} ${encoding}/${clockRateHz}`,
    ),
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** Where the answer says that speech comes from; null: it names no IPv4 or IPv6 address. */
export function mediaHostOf(sdp: string): string | null {
  const media = /^m=audio [\s\S]*?^c=IN IP[46] ([0-9a-fA-F.:]+)/m.exec(sdp);
  return (media ?? /^c=IN IP[46] ([0-9a-fA-F.:]+)/m.exec(sdp))?.[1] ?? null;
}
