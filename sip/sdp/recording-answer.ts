import { type StreamCrypto } from '#core';
import { SipError } from '../errors';
import { type RecordingStreamOffer, type SrsStreamAnswer } from '../ports';
import { agreedFormats, payloadFormats, toFlow } from './offer-answer';
import { toRemoteStream } from './remote-stream';
import { recordingMediaLines } from './recording-offer';
import { connectionLine, type SdpOrigin } from './sdp-origin';
import { type CryptoLine } from './crypto';
import {
  type MediaDescription,
  mediaLine,
  parseSdp,
  type SessionDescription,
} from './session-description';

/**
 * What is agreed on the protection of a stream that the SRS takes.
 * @returns undefined: plain RTP
 * @throws SipError `REC_ERR_SIP_BAD_ANSWER` when it cannot be as the SRS says
 */
export type AgreeOnKeys = (
  index: number,
  stream: RecordingStreamOffer,
  media: MediaDescription,
) => StreamCrypto | undefined;

/**
 * What an SRS's SDP says about each of our streams, in order; null where it refused one (port 0).
 * Serves for answers to our offers and for offers of the SRS alike: in both it describes itself.
 * @throws SipError `REC_ERR_SIP_BAD_SDP`, or `REC_ERR_SIP_BAD_ANSWER` with fewer m-lines than offered
 *   (RFC 3264 §6) or an accepted m-line without any format of ours
 */
export function parseRecordingAnswer(
  sdp: string,
  offered: readonly RecordingStreamOffer[],
  agreeOnKeys?: AgreeOnKeys,
): readonly SrsStreamAnswer[] {
  return readRecordingStreams(parseSdp(sdp), offered, agreeOnKeys);
}

/** As {@link parseRecordingAnswer}, of a description already parsed. */
export function readRecordingStreams(
  description: SessionDescription,
  offered: readonly RecordingStreamOffer[],
  agreeOnKeys: AgreeOnKeys = plainOnly,
): readonly SrsStreamAnswer[] {
  if (description.media.length < offered.length) {
    throw badAnswer(
      `the SRS described ${description.media.length} of ${offered.length} m-lines`,
      offered.length,
    );
  }
  return offered.map((stream, index) => {
    const media = description.media[index];
    if (media === undefined || media.port === 0) {
      return null;
    }
    const formats = agreedFormats(stream.formats, payloadFormats(media), 'answer');
    if (formats.length === 0) {
      throw badAnswer(`m-line ${index + 1} of the SRS has no format of ours`, offered.length);
    }
    const crypto = agreeOnKeys(index, stream, media);
    const remote = toRemoteStream(description, media, {
      formats,
      rtcpMux: false,
      ours: toFlow(stream.direction),
    });
    return crypto === undefined ? remote : { ...remote, crypto };
  });
}

/**
 * Our answer to an offer of the SRS (RFC 7866 §7.2): the same m-lines, each stream in the direction that both
 * want. Streams that the SRS disabled stay refused, and so do m-lines that it added, which it must not
 * (RFC 7866 §7.2).
 * @param answers what {@link readRecordingStreams} found in the offer
 * @param cryptoOf the line that answers the keys of an m-line; empty: plain RTP
 */
export function buildRecordingAnswer(
  offer: SessionDescription,
  streams: readonly RecordingStreamOffer[],
  answers: readonly SrsStreamAnswer[],
  origin: SdpOrigin,
  cryptoOf: (index: number) => readonly CryptoLine[] = () => [],
): string {
  const host = streams[0]?.local.rtp.host ?? '127.0.0.1';
  const lines = offer.media.flatMap((media, index) => {
    const stream = streams[index];
    const answer = answers[index];
    if (stream === undefined || answer === undefined || answer === null) {
      return [mediaLine({ ...media, port: 0, portCount: null })];
    }
    const direction = stream.direction === 'sendonly' && answer.receives ? 'sendonly' : 'inactive';
    return recordingMediaLines(
      { ...stream, formats: answer.formats, direction },
      host,
      cryptoOf(index),
      media.protocol,
    );
  });
  const rest = ['s=-', connectionLine(host), 't=0 0', ...lines].join('\r\n');
  return `v=0\r\n${origin.line(host, rest)}\r\n${rest}\r\n`;
}

/** Without keys of ours nothing but plain RTP can be agreed on (RFC 4568 §5.1.3). */
const plainOnly: AgreeOnKeys = (index, stream, media) => {
  if (!/^RTP\/AVPF?$/.test(media.protocol) || stream.srtpSuites !== undefined) {
    throw badAnswer(`m-line ${index + 1} of the SRS is ${media.protocol}`, index + 1);
  }
  return undefined;
};

function badAnswer(message: string, offered: number): SipError {
  return new SipError('REC_ERR_SIP_BAD_ANSWER', message, { details: { offered } });
}
