import { parseNameAddr, type SipMessage, type SipRequest } from '#sip/engine';
import { isG711, isTelephoneEvent } from '../sip/codecs';
import { type Sdp, type SdpMedia } from '../sip/sdp';
import { type SrsDeviation } from './deviation';

type Finding = Omit<SrsDeviation, 'where'>;

/**
 * What a session's signalling is measured by. BroadWorks and Webex Calling speak as before RFC 7866
 * (docs/broadworks-dialect.md): `;src` in the Contact, no Require, and no word about snapshot requests.
 */
export type SignallingDialect = 'rfc7866' | 'broadworks';

/** A session that describes itself with a document of the drafts speaks the signalling of that time. */
export function signallingDialectOf(metadata: Buffer | null): SignallingDialect {
  return metadata !== null && PRE_STANDARD_ROOT.test(metadata.toString('latin1'))
    ? 'broadworks'
    : 'rfc7866';
}

const PRE_STANDARD_ROOT = /<(?:[A-Za-z_][\w.-]*:)?recording_metadata[\s>]/;
/** RFC 4574 §4: a token. */
const LABEL = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$/;

/** What is wrong with the headers of the INVITE that begins a recording session. */
export function checkInitialInvite(
  invite: SipRequest,
  hasMetadata: boolean,
  dialect: SignallingDialect = 'rfc7866',
): Finding[] {
  const findings = checkContact(invite, dialect);
  if (dialect === 'rfc7866' && !includes(invite.headers.getList('require'), 'siprec')) {
    findings.push({
      name: 'missing-require',
      clause: 'RFC 7866 §6.1.1',
      message: 'the INVITE has no Require: siprec',
    });
  }
  const accepted = invite.headers.getList('accept').map(value => value.split(';')[0]?.trim());
  if (accepted.length > 0 && !includes(accepted, 'application/sdp')) {
    findings.push({
      name: 'accept',
      clause: 'RFC 3261 §20.1',
      message: 'the Accept header leaves out application/sdp',
    });
  }
  if (
    dialect === 'rfc7866' &&
    !accepted.some(value => value?.startsWith('application/rs-metadata') === true)
  ) {
    findings.push({
      name: 'accept',
      clause: 'RFC 7866 §9.2',
      message: 'the Accept header does not let us send a snapshot request',
    });
  }
  if (!hasMetadata) {
    findings.push({
      name: 'metadata-not-in-invite',
      clause: 'RFC 7866 §9.1',
      message: 'the INVITE has no full metadata snapshot (a SHOULD)',
    });
  }
  return findings;
}

/** RFC 7866 §6.1.1: the feature tag is in the Contact of every request and response that makes or changes. */
export function checkContact(
  message: SipMessage,
  dialect: SignallingDialect = 'rfc7866',
): Finding[] {
  const [contact] = message.headers.getList('contact');
  const parsed = contact === undefined ? null : parseNameAddr(contact);
  if (parsed === null) {
    return [
      { name: 'contact', clause: 'RFC 3261 §8.1.1.8', message: 'there is no usable Contact' },
    ];
  }
  const isTagged =
    parsed.params.has('+sip.src') || (dialect === 'broadworks' && parsed.params.has('src'));
  return isTagged
    ? []
    : [
        {
          name: 'missing-src-tag',
          clause: 'RFC 7866 §6.1.1',
          message: parsed.params.has('src')
            ? 'the Contact has the pre-standard tag src instead of +sip.src'
            : 'the Contact has no +sip.src',
        },
      ];
}

/** What is wrong with an offer or answer of an SRC by itself. */
export function checkSdp(sdp: Sdp): Finding[] {
  const findings: Finding[] = [];
  const labels = new Set<string>();
  for (const [n, media] of sdp.media.entries()) {
    const line = `m-line ${n + 1}`;
    if (media.port === 0) {
      continue;
    }
    if (media.label === null) {
      findings.push({
        name: 'missing-label',
        clause: 'RFC 7866 §7.1.1',
        message: `${line} has no a=label`,
      });
    } else if (!LABEL.test(media.label)) {
      findings.push({
        name: 'bad-label',
        clause: 'RFC 4574 §4',
        message: `the label of ${line} is no token`,
      });
    } else if (labels.has(media.label)) {
      findings.push({
        name: 'duplicate-label',
        clause: 'RFC 7866 §7.1.1',
        message: `the label ${media.label} names two streams`,
      });
    }
    labels.add(media.label ?? '');
    findings.push(...checkMedia(media, line));
  }
  return findings;
}

function checkMedia(media: SdpMedia, line: string): Finding[] {
  const findings: Finding[] = [];
  if (media.direction !== 'sendonly' && media.direction !== 'inactive') {
    findings.push({
      name: 'direction',
      clause: 'RFC 7866 §7.1.1',
      message: `${line} is ${media.direction}, neither sendonly nor inactive`,
    });
  }
  if (!/^RTP\/S?AVPF?$/.test(media.protocol)) {
    findings.push({
      name: 'profile',
      clause: 'RFC 7866 §8.1.2',
      message: `${line} has the profile ${media.protocol}`,
    });
  }
  const usable = media.formats.some(format => isG711(format) || isTelephoneEvent(format));
  if (media.kind === 'audio' && !usable) {
    findings.push({
      name: 'formats',
      clause: 'RFC 3264 §5.1',
      message: `${line} offers nothing that this recorder knows (G.711)`,
    });
  }
  return findings;
}

/** What is wrong with a body that follows another of the same SRC in the same session (RFC 3264 §8). */
export function checkFollowingSdp(
  before: Sdp & { text: string },
  after: Sdp & { text: string },
): Finding[] {
  const findings: Finding[] = [];
  if (before.origin.session !== after.origin.session) {
    findings.push({
      name: 'sdp-origin',
      clause: 'RFC 3264 §8',
      message: 'the o= line changed in more than its version',
    });
  } else if (before.text === after.text) {
    return findings;
  } else if (after.origin.version !== before.origin.version + 1) {
    findings.push({
      name: 'sdp-version',
      clause: 'RFC 3264 §8',
      message: `the body changed and its o= version went from ${before.origin.version} to ${after.origin.version}, not up by one`,
    });
  }
  if (after.media.length < before.media.length) {
    findings.push({
      name: 'sdp-m-lines',
      clause: 'RFC 3264 §8',
      message: `there were ${before.media.length} m-lines, now there are ${after.media.length}`,
    });
  }
  return findings;
}

/** RFC 3261 §12.2.1.1: CSeq goes up by one with each new request of the dialog. */
export function checkCSeq(before: number | null, after: number): Finding[] {
  return before === null || after === before + 1
    ? []
    : [
        {
          name: 'cseq',
          clause: 'RFC 3261 §12.2.1.1',
          message: `CSeq went from ${before} to ${after}, not up by one`,
        },
      ];
}

function includes(values: readonly (string | undefined)[], wanted: string): boolean {
  return values.some(value => value?.toLowerCase() === wanted);
}
