import { errorMessage } from '#core';
import { isMultipart, type MultipartPart, readMultipart } from '#sip';
import { type SipMessage } from '#sip/engine';
import { type SrsDeviation } from './deviation';

/** RFC 7866 §9 named the first, RFC 9806 the second; the third is what RFC 8068 samples accept. */
const METADATA_TYPES = ['application/rs-metadata', 'application/rs-metadata+xml'];

/** The parts of a message of a recording session. */
export interface RecordingBody {
  readonly sdp: string | null;
  readonly metadata: { readonly bytes: Buffer; readonly mediaType: string } | null;
}

type Finding = Omit<SrsDeviation, 'where'>;

/** Takes a message apart: bare or multipart, in any order, with either media type of metadata. */
export function readRecordingBody(message: SipMessage): {
  body: RecordingBody;
  findings: Finding[];
} {
  const findings: Finding[] = [];
  const parts = message.body.length === 0 ? [] : flatten(partsOf(message, findings));
  const sdps = parts.filter(part => part.mediaType === 'application/sdp');
  const documents = parts.filter(part => METADATA_TYPES.includes(part.mediaType));
  if (sdps.length > 1 || documents.length > 1) {
    findings.push({
      name: 'too-many-parts',
      clause: 'RFC 7866 §9.1',
      message: `${sdps.length} SDP parts and ${documents.length} metadata parts, at most one of each`,
    });
  }
  const [document] = documents;
  if (document !== undefined && document.disposition !== 'recording-session') {
    findings.push({
      name: 'content-disposition',
      clause: 'RFC 7866 §9',
      message: `the metadata has Content-Disposition ${document.disposition ?? 'absent'}, not recording-session`,
    });
  }
  return {
    body: {
      sdp: sdps[0]?.body.toString('utf8') ?? null,
      metadata:
        document === undefined ? null : { bytes: document.body, mediaType: document.mediaType },
    },
    findings,
  };
}

type Part = Pick<MultipartPart, 'mediaType' | 'disposition' | 'body'> & {
  readonly parts: readonly MultipartPart[];
};

function partsOf(message: SipMessage, findings: Finding[]): readonly Part[] {
  const contentType = message.headers.get('content-type') ?? '';
  if (!isMultipart(contentType)) {
    const disposition = bare(message.headers.get('content-disposition') ?? '');
    return [
      {
        mediaType: bare(contentType),
        disposition: disposition === '' ? null : disposition,
        body: message.body,
        parts: [],
      },
    ];
  }
  if (bare(contentType) !== 'multipart/mixed') {
    findings.push({
      name: 'multipart-type',
      clause: 'RFC 7866 §9.1',
      message: `the body is ${bare(contentType)}, not multipart/mixed`,
    });
  }
  try {
    const { parts, closed } = readMultipart(contentType, message.body);
    if (!closed) {
      findings.push({
        name: 'multipart-broken',
        clause: 'RFC 2046 §5.1.1',
        message: 'the multipart body has no closing delimiter',
      });
    }
    return parts;
  } catch (error) {
    findings.push({
      name: 'multipart-broken',
      clause: 'RFC 2046 §5.1.1',
      message: errorMessage(error),
    });
    return [];
  }
}

function flatten(parts: readonly Part[]): Part[] {
  return parts.flatMap(part => (part.parts.length > 0 ? flatten(part.parts) : [part]));
}

function bare(value: string): string {
  return (value.split(';')[0] ?? '').trim().toLowerCase();
}
