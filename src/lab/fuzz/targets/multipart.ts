import { randomIds } from '#core';
import {
  DEFAULT_MULTIPART_LIMITS,
  findPart,
  isSipError,
  type MultipartPart,
  readMultipart,
  type ReadMultipart,
  writeMultipart,
} from '#sip';
import { type FuzzTarget, mustEqual, mustHold, words } from '../target';

const LIMITS = { ...DEFAULT_MULTIPART_LIMITS, maxBytes: 16_384 };

const RECORDING =
  '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type: application/rs-metadata+xml\r\n' +
  'Content-Disposition: recording-session\r\n\r\n<recording/>\r\n--b1--\r\n';
const NESTED =
  'preamble\r\n--out\r\nContent-Type: multipart/alternative; boundary="in ner"\r\n\r\n--in ner\r\n\r\nplain\r\n--in ner\r\n' +
  'Content-Type: text/html;\r\n charset=utf-8\r\n\r\n<p>\r\n\r\n</p>\r\n--in ner--\r\n--out\r\n\r\n--out--\r\nepilogue';

/** The reader of multipart bodies. Of an input the first line is the Content-Type, the rest the body. */
export const multipartTarget: FuzzTarget = {
  name: 'multipart',
  seeds: words(
    `multipart/mixed;boundary=b1\n${RECORDING}`,
    `multipart/mixed; boundary="out"\n${NESTED}`,
    `multipart/mixed;boundary=b1\n${RECORDING.replaceAll('\r', '')}`,
  ),
  wantsFile: path => path.endsWith('.multipart'),
  dictionary: words(
    '\r\n', '\n', '\r\n\r\n', '--', '--b1', '\r\n--b1\r\n', '\r\n--b1--\r\n', '--out', '\r\n--in ner\r\n', 'boundary=', ';boundary=b1', 'boundary="', '"', '\\',
    'Content-Type: ', 'Content-Type: multipart/mixed;boundary=b1\r\n\r\n', 'Content-Disposition: ', ': ', ' ', '\t', ';', 'multipart/', '__proto__: x\r\n', '\0', '\u00fc',
  ), // prettier-ignore
  maxBytes: LIMITS.maxBytes + 2000,
  check: input => {
    const newline = input.indexOf('\n');
    const contentType = input.subarray(0, Math.max(newline, 0)).toString('latin1');
    const body = input.subarray(newline + 1);
    const result = read(contentType, body);
    if (result === null) {
      return 'refused';
    }
    mustHold(count(result.parts) <= LIMITS.maxParts, 'no more parts than allowed');
    checkParts(result.parts, body.length, 1);
    mustHold(findPart(result.parts, () => true) !== null, 'a part can be found');
    checkRoundTrip(result.parts);
    return 'accepted';
  },
};

function read(contentType: string, body: Buffer): ReadMultipart | null {
  try {
    return readMultipart(contentType, body, LIMITS);
  } catch (error) {
    if (isSipError(error, 'REC_ERR_SIP_BAD_MULTIPART')) {
      return null;
    }
    throw error;
  }
}

function count(parts: readonly MultipartPart[]): number {
  return parts.reduce((sum, part) => sum + 1 + count(part.parts), 0);
}

function checkParts(parts: readonly MultipartPart[], bytes: number, depth: number): void {
  mustHold(depth <= LIMITS.maxDepth, 'no deeper than allowed');
  for (const part of parts) {
    mustHold(part.body.length <= bytes, 'no part larger than the whole');
    for (const [name, value] of Object.entries(part.headers)) {
      mustHold(name.length + value.length <= LIMITS.maxHeaderBytes + 4, 'a bounded header');
      mustHold(name === name.toLowerCase() && typeof value === 'string', 'names in lower case');
    }
    if (part.parts.length > 0) {
      checkParts(part.parts, part.body.length, depth + 1);
    }
  }
}

/** Bodies that were read can be written, and are then read as they were. */
function checkRoundTrip(parts: readonly MultipartPart[]): void {
  const bodies = parts.slice(0, 4).map(part => part.body.toString('utf8'));
  const written = writeMultipart(
    bodies.map(body => ({ contentType: 'text/plain', disposition: 'render', body })),
    randomIds,
  );
  if (Buffer.byteLength(written.body) > LIMITS.maxBytes) {
    return;
  }
  const again = readMultipart(written.contentType, written.body, LIMITS);
  mustHold(again.closed, 'what we write is closed');
  mustEqual(
    again.parts.map(part => part.body.toString('utf8')),
    bodies,
    'the bodies written and read again',
  );
}
