import { readRecordingBody } from '../lab';
import { parseCSeq, parseNameAddr, parseSipUri, type SipMessage } from '#sip/engine';

/**
 * One message in a few words that are the same in every run: method or status, what makes it notable, and what
 * its body holds. No address, port, tag or id.
 */
export function describe(message: SipMessage): string {
  return [startOf(message), ...headersOf(message), bodyOf(message)]
    .filter(part => part !== '')
    .join(' ');
}

/** `100 Trying` and the questions whether somebody is still there would hide the rest. */
export function isLeftOut(message: SipMessage): boolean {
  return (message.kind === 'response' && message.status === 100) || methodOf(message) === 'OPTIONS';
}

function methodOf(message: SipMessage): string {
  return message.kind === 'request'
    ? message.method
    : (parseCSeq(message.headers.get('cseq'))?.method ?? '');
}

function startOf(message: SipMessage): string {
  if (message.kind === 'response') {
    return `${message.status} ${message.reason} (${methodOf(message)})`;
  }
  const isFirst = message.method === 'INVITE' && !/;tag=/i.test(message.headers.get('to') ?? '');
  return isFirst ? `INVITE ${parseSipUri(message.uri)?.user ?? ''}` : message.method;
}

function headersOf(message: SipMessage): readonly string[] {
  if (message.kind === 'response') {
    return [];
  }
  const { headers } = message;
  const referTo = parseNameAddr(headers.get('refer-to') ?? '');
  const target = referTo === null ? null : parseSipUri(referTo.uri);
  const record = headers.get('record');
  return [
    ...(/siprec/i.test(headers.get('require') ?? '') ? ['Require: siprec'] : []),
    ...(target === null ? [] : [`Refer-To: ${target.user ?? ''}`]),
    ...(/replaces=/i.test(referTo?.uri ?? '') || headers.has('replaces') ? ['Replaces'] : []),
    ...(record === null ? [] : [`Record: ${record}`]),
  ];
}

function bodyOf(message: SipMessage): string {
  const text = message.body.toString('utf8');
  if (/sipfrag/i.test(message.headers.get('content-type') ?? '')) {
    return `[${text.split('\r\n', 1)[0]?.replace('SIP/2.0 ', '') ?? ''}]`;
  }
  const { sdp, metadata } = readRecordingBody(message).body;
  const parts = [
    ...(sdp === null ? [] : [`SDP ${directionsOf(sdp)}`]),
    ...(metadata === null ? [] : [`metadata ${kindOf(metadata.bytes.toString('utf8'))}`]),
  ];
  return parts.length === 0 ? '' : `[${parts.join(' + ')}]`;
}

/** What the audio streams say, once when they say the same. */
function directionsOf(sdp: string): string {
  const streams = sdp.split(/^m=/m).slice(1);
  const said = streams.map(stream => {
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(stream)?.[1];
    return /^\S+ 0 /.test(stream) ? 'refused' : (direction ?? 'sendrecv');
  });
  return [...new Set(said)].join('/');
}

function kindOf(xml: string): string {
  if (/requestsnapshot/i.test(xml)) {
    return 'snapshot request';
  }
  return /<(?:\w+:)?data(?:m|M)ode>\s*(\w+)/.exec(xml)?.[1]?.toLowerCase() ?? 'without a mode';
}
