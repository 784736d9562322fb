import { unfold } from './name-addr';

/** A dialog as its owner on the far side of the named leg knows it (RFC 3891 §6.1). */
export interface Replaces {
  readonly callId: string;
  /** The local tag of whoever is to match it. */
  readonly toTag: string;
  readonly fromTag: string;
  readonly earlyOnly: boolean;
}

const MAX_CHARS = 1_024;

/** Reads a Replaces header value. @returns null when it names no dialog */
export function parseReplaces(value: string): Replaces | null {
  const text = unfold(value).trim();
  if (text.length > MAX_CHARS) {
    return null;
  }
  const [callId = '', ...params] = text.split(';').map(each => each.trim());
  const param = (name: string): string | null => {
    const found = params.find(each => each.toLowerCase().startsWith(`${name}=`));
    return found?.slice(name.length + 1) ?? null;
  };
  const toTag = param('to-tag');
  const fromTag = param('from-tag');
  if (callId === '' || toTag === null || fromTag === null) {
    return null;
  }
  const earlyOnly = params.some(each => each.toLowerCase() === 'early-only');
  return { callId, toTag, fromTag, earlyOnly };
}

/** Prints a Replaces header value. */
export function formatReplaces(replaces: Replaces): string {
  const { callId, toTag, fromTag, earlyOnly } = replaces;
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${earlyOnly ? ';early-only' : ''}`;
}

/**
 * Rewrites the Replaces in the URI of a Refer-To (RFC 3891 §1, RFC 3261 §19.1.1); everything else stays as it is.
 * @param translate gives what to put there, or null to leave it
 */
export function translateReferTo(
  referTo: string,
  translate: (replaces: Replaces) => Replaces | null,
): string {
  // A `;` should be escaped in there; phones that forget it put the URI in brackets.
  return referTo.replace(
    /([?&]replaces=)([^&>\s"]+)/i,
    (whole: string, name: string, escaped: string) => {
      const replaces = parseReplaces(unescapeUri(escaped));
      const translated = replaces === null ? null : translate(replaces);
      return translated === null ? whole : name + encodeURIComponent(formatReplaces(translated));
    },
  );
}

/**
 * Takes the Replaces out of the URI of a Refer-To: an INVITE to that place carries it as a header (RFC 3891 §1).
 * @returns the URI without its header part, and the dialog; replaces null: none is named, or not understandably
 */
export function splitReplaces(uri: string): {
  readonly uri: string;
  readonly replaces: Replaces | null;
} {
  const escaped = /[?&]replaces=([^&>\s"]+)/i.exec(uri)?.[1];
  return {
    uri: uri.split('?', 1)[0] ?? '',
    replaces: escaped === undefined ? null : parseReplaces(unescapeUri(escaped)),
  };
}

function unescapeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
