import { DEFAULT_ENGINE_LIMITS } from '../../../../sip/engine/limits';
import {
  makeResponse,
  noteSource,
  parseCSeq,
  parseMessage,
  parseNameAddr,
  parseSipUri,
  formatSipUri,
  parseVia,
  serializeMessage,
  setTopVia,
  type SipMessage,
  type SipRequest,
  tagOf,
  withTag,
} from '../../../../sip/engine/message';
import { clientKey, serverKey } from '../../../../sip/engine/transaction/keys';
import { parseNameAddrs } from '#sip';
import { type FuzzTarget, hasBareLineBreak, mustEqual, mustHold, words } from '../target';
import { OPTIONS, SIP_WORDS } from './sip-seeds';

const LIMITS = DEFAULT_ENGINE_LIMITS;

/** The parser of whole SIP messages, what is read from its result, and what is written from it. */
export const sipMessageTarget: FuzzTarget = {
  name: 'sip',
  seeds: words(OPTIONS),
  wantsFile: path => path.startsWith('torture/') && path.endsWith('.dat'),
  dictionary: SIP_WORDS,
  maxBytes: LIMITS.messageBytes + 4000,
  check: input => {
    const result = parseMessage(input);
    if (!result.ok) {
      mustHold(result.status >= 400 && result.status < 600, 'a status to refuse with');
      if (result.request !== null) {
        const options = { reason: result.reason, toTag: 'refused' };
        checkWritten(makeResponse(result.request, result.status, options));
      }
      return 'refused';
    }
    checkBounds(result.message, input);
    checkReadings(result.message);
    checkRoundTrip(result.message);
    if (result.message.kind === 'request') {
      checkAnswer(result.message);
    }
    return 'accepted';
  },
};

function checkBounds({ headers, body, ...rest }: SipMessage, input: Buffer): void {
  mustHold(headers.size <= LIMITS.headerCount, 'no more headers than configured');
  for (const { raw, value } of headers.entries()) {
    mustHold((raw ?? '').length <= LIMITS.headerLineBytes, 'no longer header than configured');
    mustHold(!/[\r\n]/.test(value), 'no line break in an unfolded value');
  }
  mustHold(body.length <= input.length, 'no longer body than the message');
  mustHold(
    rest.kind === 'response' || Buffer.byteLength(rest.uri) <= LIMITS.uriBytes,
    'no longer URI than configured',
  );
}

/** Everything that the engine and the application read from a message by themselves. */
function checkReadings(message: SipMessage): void {
  const { headers } = message;
  for (const name of ['via', 'route', 'record-route', 'contact', 'from', 'to', 'require']) {
    headers.getList(name);
  }
  for (const name of ['from', 'to', 'contact']) {
    const value = headers.get(name) ?? '';
    parseNameAddrs(value);
    const parsed = parseNameAddr(value);
    if (parsed !== null) {
      mustEqual(tagOf(withTag(value, 'fuzz')), 'fuzz', 'the tag that was just set');
      const uri = parseSipUri(parsed.uri);
      if (uri !== null) {
        mustEqual(parseSipUri(formatSipUri(uri)), uri, 'a URI written and read again');
      }
    }
  }
  mustHold(parseCSeq(headers.get('cseq')) !== null, 'an accepted message has a CSeq');
  if (message.kind === 'request') {
    serverKey(message);
  }
  clientKey(message);
}

function checkRoundTrip(message: SipMessage): void {
  const written = serializeMessage(message);
  // The Content-Length that we add may take a message beyond the bound that it has just kept.
  if (written.length > LIMITS.messageBytes) {
    return;
  }
  const again = parseMessage(written);
  mustHold(again.ok, `what was accepted is accepted again: ${again.ok ? '' : again.reason}`);
  mustEqual(facts(again.message), facts(message), 'the message written and read again');
  mustHold(serializeMessage(again.message).equals(written), 'writing is stable');
}

/** Content-Length is the writer's business, and so is the place where it stands. */
function facts({ headers, ...rest }: SipMessage): unknown {
  return {
    ...rest,
    headers: headers
      .entries()
      .filter(({ key }) => key !== 'content-length')
      .map(({ key, value }) => [key, value]),
  };
}

/** Whoever sends us a request that we accept must be able to read our answer. */
function checkAnswer(request: SipRequest): void {
  const [line = ''] = request.headers.getList('via');
  const via = parseVia(line);
  mustHold(via !== null, 'an accepted request has a Via');
  const received = { ...request, headers: request.headers.clone() };
  setTopVia(received.headers, noteSource(via, '192.0.2.1', 5060));
  checkWritten(makeResponse(received, 200, { toTag: 'accepted' }), request);
}

function checkWritten(response: SipMessage, accepted?: SipRequest): void {
  const written = serializeMessage(response);
  const head = written.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  mustHold(!hasBareLineBreak(head), 'no bare CR or LF in a response');
  const result = parseMessage(written);
  if (accepted !== undefined && !result.ok) {
    // What we add may go beyond the bounds that the request has just kept.
    mustHold(result.code === 'too-large', `a readable response: ${result.reason}`);
  }
}
