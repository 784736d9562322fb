import { randomIds } from '#core';
import {
  buildRecordingSdp,
  connectionHost,
  directionOf,
  formatSdp,
  isSipError,
  mediaAttributes,
  parseRecordingAnswer,
  parseSdp,
  payloadFormats,
  SdpOrigin,
  type SessionDescription,
  toRemoteStream,
} from '#sip';
import { cryptoLine, cryptoLines } from '../../../../sip/sdp/crypto';
import { anchorDescription, findAnchorableMedia } from '../../../../sip/sdp/media-anchoring';
import { type FuzzTarget, mustEqual, mustHold, words } from '../target';

const LOCAL = {
  rtp: { host: '192.0.2.10', port: 40_000 },
  rtcp: { host: '192.0.2.10', port: 40_001 },
};
const RECORDING_STREAMS = (['1', '2'] as const).map(label => ({
  label,
  local: LOCAL,
  direction: 'sendonly' as const,
  formats: [{ payloadType: 8, encoding: 'PCMA', clockRateHz: 8000, channels: 1 }],
}));

const PHONE =
  'v=0\r\no=phone 3980000000 3980000001 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nb=AS:84\r\nt=0 0\r\n' +
  'a=group:BUNDLE 0 1\r\na=ice-ufrag:aaaa\r\nm=audio 30000 RTP/AVP 8 0 96 101\r\na=rtpmap:8 PCMA/8000\r\n' +
  'a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n' +
  'a=ptime:20\r\na=rtcp:30001 IN IP4 192.0.2.1\r\na=rtcp-mux\r\na=candidate:1 1 UDP 2130706431 192.0.2.1 30000 typ host\r\n' +
  'a=sendrecv\r\nm=video 0 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n';
const SECURE =
  'v=0\no=- 1 1 IN IP6 2001:db8::1\ns=-\nt=0 0\nm=audio 30000/2 RTP/SAVPF 0\nc=IN IP6 2001:db8::1\n' +
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2FsdHlrZXlzYWx0eWtleXNhbHR5a2V5c2FsdHlr\na=inactive\n';

/** The reader of session descriptions and everything that is made of them. */
export const sdpTarget: FuzzTarget = {
  name: 'sdp',
  seeds: [
    ...words(PHONE, SECURE, PHONE.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0')),
    Buffer.from(buildRecordingSdp(RECORDING_STREAMS, new SdpOrigin(randomIds))),
  ],
  wantsFile: path => path.endsWith('.sdp'),
  dictionary: words(
    '\r\n', '\n', '\r', 'v=0\r\n', 'o=- 1 1 IN IP4 1.2.3.4\r\n', 's=\r\n', 't=0 0\r\n', 'c=IN IP4 ', 'c=IN IP6 ::1\r\n', 'c=IN IP4 0.0.0.0\r\n',
    'c=IN IP4 224.2.1.1/127/3\r\n', 'm=audio ', 'm=video 0 RTP/AVP 31\r\n', 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n', ' RTP/AVP ', ' RTP/SAVP ', '/2 ',
    'a=rtpmap:', 'a=rtpmap:96 x/1/1\r\n', 'a=fmtp:96 a=b;c=d\r\n', 'a=ptime:', 'a=maxptime:', 'a=rtcp:', 'a=rtcp:9 IN IP4 h\r\n', 'a=rtcp-mux\r\n',
    'a=sendonly\r\n', 'a=recvonly\r\n', 'a=inactive\r\n', 'a=sendrecv\r\n', 'a=label:1\r\n', 'a=candidate:', 'a=ssrc:1 cname:x\r\n', 'a=crypto:1 ',
    'a=fingerprint:sha-1 AA\r\n', 'a=group:BUNDLE a\r\n', 'a=mid:a\r\n', 'a=record:on\r\n', 'a=recordpref:on\r\n', 'a=simulcast: send 1\r\n',
    'a=rid:1 send\r\n', 'a=imageattr:96 send [x=1]\r\n', 'a=extmap:1 urn:x\r\n', 'a=rtcp-fb:* nack\r\n', 'a=source-filter: incl IN IP4 * 1.2.3.4\r\n',
    'k=clear:x\r\n', 'b=AS:1\r\n', 'r=1 2 3\r\n', 'z=1 2\r\n', '\0', '\u00fc', '\ufeff', '__proto__', 'constructor', ' ', ':', '/', '*',
  ), // prettier-ignore
  maxBytes: 70_000,
  check: input => {
    const text = input.toString('utf8');
    checkRecordingAnswer(text);
    const description = parse(text);
    if (description === null) {
      return 'refused';
    }
    mustHold(description.media.length <= 64, 'no more m-lines than allowed');
    const written = formatSdp(description);
    mustHold(/^[\r\n\t -~]*$/.test(written), 'as many characters as octets');
    checkReadings(description);
    mustEqual(formatSdp(parseSdp(written)), written, 'the description written and read again');
    if (leavesRoom(written)) {
      checkAnchoring(description);
    }
    return 'accepted';
  },
};

/** Lines of our own may take what is near a bound beyond it. */
function leavesRoom(written: string): boolean {
  return written.length < 60_000 && written.split('\n').length < 1900;
}

function parse(text: string): SessionDescription | null {
  try {
    return parseSdp(text);
  } catch (error) {
    if (isSipError(error, 'REC_ERR_SIP_BAD_SDP')) {
      return null;
    }
    throw error;
  }
}

function checkReadings(description: SessionDescription): void {
  for (const media of description.media) {
    mustHold(media.port >= 0 && media.port <= 65_535, 'a port');
    checkCrypto(media);
    connectionHost(description, media);
    directionOf(description, media);
    const attributes = mediaAttributes(media);
    mustHold(attributes.ptimeMs === null || attributes.ptimeMs > 0, 'a packet time');
    for (const { payloadType, clockRateHz, channels } of payloadFormats(media)) {
      mustHold(payloadType >= 0 && payloadType <= 127, 'a payload type');
      mustHold(clockRateHz > 0 && Number.isInteger(clockRateHz), 'a clock rate');
      mustHold(channels > 0 && Number.isInteger(channels), 'a number of channels');
    }
    const agreement = { formats: [], rtcpMux: true, ours: { sends: true, receives: true } };
    const { rtp, rtcp } = toRemoteStream(description, media, agreement);
    for (const address of [rtp, rtcp]) {
      mustHold(address === null || (address.port > 0 && address.port <= 65_535), 'an address');
    }
  }
}

/** Keys that are read are as long as their suite says, and are written as they were read. */
function checkCrypto(media: SessionDescription['media'][number]): void {
  try {
    for (const line of cryptoLines(media)) {
      const bytes = Buffer.from(line.key.keySalt, 'base64').length;
      mustHold([28, 30, 44].includes(bytes), 'a key of a known length');
      const again = cryptoLines({ ...media, lines: [cryptoLine(line)] });
      mustEqual(again[0]?.key.keySalt ?? '', line.key.keySalt, 'the key written and read again');
    }
  } catch (error) {
    if (!isSipError(error, 'REC_ERR_SIP_BAD_SDP')) {
      throw error;
    }
  }
}

/** What we hand to the other leg is always well-formed, names our address and has the same m-lines. */
function checkAnchoring(description: SessionDescription): void {
  const { index } = findAnchorableMedia(description);
  if (index === null) {
    return;
  }
  const side = { local: LOCAL, origin: new SdpOrigin(randomIds), rtcpMux: false };
  const anchored = parse(anchorDescription(description, index, side));
  mustHold(anchored !== null, 'an anchored description is well-formed');
  mustEqual(anchored.media.length, description.media.length, 'the number of m-lines');
  const media = anchored.media[index];
  mustHold(media?.port === LOCAL.rtp.port, 'our port');
  mustEqual(connectionHost(anchored, media), LOCAL.rtp.host, 'our address');
}

function checkRecordingAnswer(text: string): void {
  try {
    parseRecordingAnswer(text, RECORDING_STREAMS);
  } catch (error) {
    if (!isSipError(error, 'REC_ERR_SIP_BAD_SDP') && !isSipError(error, 'REC_ERR_SIP_BAD_ANSWER')) {
      throw error;
    }
  }
}
