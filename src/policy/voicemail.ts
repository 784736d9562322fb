import { type VoicemailRules } from './user-policy';

/** A URI with the parameters of the header that it stood in. */
export interface RedirectEntry {
  readonly uri: string;
  /** Names in lower case. */
  readonly params: Readonly<Record<string, string>>;
}

/** What a call says that may tell of a mailbox. */
export interface VoicemailFacts {
  /** Whether the peer that sent the INVITE is believed. */
  readonly callerTrusted: boolean;
  readonly requestUri: string;
  /** Diversion (RFC 5806), most recent first. */
  readonly diversions: readonly RedirectEntry[];
  /** History-Info (RFC 7044), in order. */
  readonly historyInfo: readonly RedirectEntry[];
  /** What the 200 says; null before there is one, and from a side that is not believed. */
  readonly answer: {
    readonly assertedIdentities: readonly string[];
    readonly contact: string | null;
  } | null;
}

/** How a mailbox was recognised; goes into the ledger. */
export interface VoicemailDetection {
  readonly by:
    | 'target'
    | 'uri-pattern'
    | 'request-uri-cause'
    | 'diversion'
    | 'history-info'
    | 'answer-identity'
    | 'answer-contact';
  /** The URI or cause that told. */
  readonly value: string;
}

/**
 * Whether a mailbox takes the call, deposit or retrieval; null: nothing says so. Pure.
 *
 * What an untrusted peer claims in Diversion, History-Info or the `cause` of its Request-URI does not count: it could
 * remove a recording. Who is called, and who answers on a trusted side, counts whoever asks.
 */
export function detectVoicemail(
  facts: VoicemailFacts,
  rules: VoicemailRules,
): VoicemailDetection | null {
  const { requestUri } = facts;
  if (rules.matchTarget(requestUri) !== null) {
    return { by: 'target', value: requestUri };
  }
  if (rules.matchPattern(requestUri) !== null) {
    return { by: 'uri-pattern', value: requestUri };
  }
  return (
    (facts.callerTrusted ? detectRedirection(facts, rules) : null) ?? detectAnswer(facts, rules)
  );
}

function detectRedirection(
  { requestUri, diversions, historyInfo }: VoicemailFacts,
  rules: VoicemailRules,
): VoicemailDetection | null {
  // RFC 4458 §2: a Request-URI with the user's address and the cause of the redirection is for a mailbox.
  if (uriParam(requestUri, 'target') !== null && uriParam(requestUri, 'cause') !== null) {
    return { by: 'request-uri-cause', value: requestUri };
  }
  for (const { params } of diversions) {
    const reason = params['reason']?.toLowerCase();
    if (reason !== undefined && rules.redirectCauses.has(reason)) {
      return { by: 'diversion', value: reason };
    }
  }
  for (const entry of historyInfo) {
    const cause = historyCause(entry);
    if (cause !== null && rules.redirectCauses.has(cause)) {
      return { by: 'history-info', value: cause };
    }
  }
  return null;
}

function detectAnswer(
  { answer }: VoicemailFacts,
  rules: VoicemailRules,
): VoicemailDetection | null {
  const isMailbox = (uri: string): boolean =>
    rules.matchTarget(uri) !== null || rules.matchPattern(uri) !== null;
  const identity = answer?.assertedIdentities.find(isMailbox);
  if (identity !== undefined) {
    return { by: 'answer-identity', value: identity };
  }
  const contact = answer?.contact ?? null;
  return contact !== null && isMailbox(contact) ? { by: 'answer-contact', value: contact } : null;
}

/** The `cause` of an entry: a parameter of its URI (RFC 4458), or in the Reason that it carries (RFC 7044 §5). */
function historyCause({ uri }: RedirectEntry): string | null {
  const reason = /[?&]reason=([^&]*)/i.exec(uri)?.[1];
  return (
    uriParam(uri, 'cause') ??
    (reason === undefined ? null : (/;\s*cause\s*=\s*(\d{3})/i.exec(unescape(reason))?.[1] ?? null))
  );
}

/** The value of a URI parameter; parameters of the user part do not count. */
function uriParam(uri: string, name: string): string | null {
  const afterUser = uri.slice(uri.indexOf('@') + 1).split('?')[0] ?? '';
  for (const param of afterUser.split(';').slice(1)) {
    const [key = '', value = ''] = param.split('=');
    if (key.toLowerCase() === name && value !== '') {
      return value.toLowerCase();
    }
  }
  return null;
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
