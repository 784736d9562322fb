import { errorMessage, isGatewayError, type LogFields } from '#core';

/*
 * What never leaves in a log line. Secrets and DTMF digits are removed at every level; telephone numbers and
 * the user parts of SIP URIs are masked from `info` upwards (debug lines are for whoever may see them).
 */

const REDACTED = '[redacted]';
const SECRET_FIELD =
  /secret|password|passwd|authorization|credential|token|cookie|crypto|^a?keys?$|keyParams|masterKey/i;
const DIGIT_FIELD = /^(dtmf|digits?|signal|featureCode)$/i;
/** Fields that name somebody, whatever they hold. */
const IDENTITY_FIELD = /^(caller|callee|called|calling|number|identity|aor)$/i;
/** Fields that may name somebody, or something else: only bare numbers are masked in them. */
const ADDRESS_FIELD = /^(from|to|user|target|contact|requestUri)$/i;
const BARE_NUMBER = /^\+?[\d\-.() *#]{3,32}$/;

/** SDES keys (RFC 4568), credentials in SIP headers, userinfo passwords, and digits in INFO bodies. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\binline:[A-Za-z0-9+/=|:]+/g, `inline:${REDACTED}`],
  [/\b((?:Proxy-)?Authorization\s*:\s*)[^\r\n]+/gi, `$1${REDACTED}`],
  [/\b(Bearer\s+)[A-Za-z0-9._~+/=-]+/g, `$1${REDACTED}`],
  [/\b(sips?:[^\s:@<>"]{1,256}):[^\s@<>"]{1,256}@/gi, `$1:${REDACTED}@`],
  [/\b(Signal\s*=\s*)[0-9A-D*#]+/gi, '$1*'],
];

const URI_USER = /\b(sips?:)([^\s:@<>"]{1,256})(?=[:@][^\s<>"]*)(?=[^\s<>"]*@)/gi;
const TEL_URI = /\b(tel:)(\+?[\d\-.()*#]{2,64})/gi;
const GLOBAL_NUMBER = /\+\d[\d\-.()]{5,30}\d/g;

/** Bounds of one log line: nothing that a peer sends may blow it up. */
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;
const MAX_TEXT = 4096;

export interface RedactOptions {
  /** Whether telephone numbers and SIP users are masked too. */
  readonly maskIdentities: boolean;
}

/** A copy of the fields that is safe to write: redacted, bounded, free of cycles, ready for JSON. */
export function redactFields(fields: LogFields, options: RedactOptions): Record<string, unknown> {
  return redactObject(fields, { ...options, ancestors: [] });
}

/** Masks secrets in a text, and identities when asked to. */
export function redactText(text: string, { maskIdentities }: RedactOptions): string {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  const withoutSecrets = SECRET_TEXTS.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    bounded,
  );
  return maskIdentities ? maskIdentitiesIn(withoutSecrets) : withoutSecrets;
}

/**
 * A number or name of which only a part shows: `+15551230100` → `+155***0100`, `alice` → `a***`. At least
 * four digits of a number stay hidden.
 */
export function maskUser(user: string): string {
  const digits = user.replace(/[-.() ]/g, '');
  const number = /^(\+?)(\d{7,32})$/.exec(digits);
  if (number === null) {
    return user === '' ? '' : `${user.slice(0, 1)}***`;
  }
  const [, plus = '', figures = ''] = number;
  const shownFirst = Math.max(0, Math.min(4, figures.length - 8));
  const shownLast = Math.min(4, figures.length - 4);
  return `${plus}${figures.slice(0, shownFirst)}***${figures.slice(-shownLast)}`;
}

function maskIdentitiesIn(text: string): string {
  return text
    .replace(URI_USER, (_, scheme: string, user: string) => scheme + maskUser(user))
    .replace(TEL_URI, (_, scheme: string, number: string) => scheme + maskUser(number))
    .replace(GLOBAL_NUMBER, maskUser);
}

interface Context extends RedactOptions {
  readonly ancestors: readonly object[];
}

function redactObject(source: object, context: Context): Record<string, unknown> {
  const entries = Object.entries(source).slice(0, MAX_ENTRIES);
  const inner = { ...context, ancestors: [...context.ancestors, source] };
  return Object.fromEntries(
    entries.map(([name, value]) => [name, redactField(name, value, inner)]),
  );
}

function redactField(name: string, value: unknown, context: Context): unknown {
  if (value === undefined || value === null) {
    return value;
  }
  if (SECRET_FIELD.test(name) || DIGIT_FIELD.test(name)) {
    return REDACTED;
  }
  return context.maskIdentities && typeof value === 'string' && isBareIdentity(name, value)
    ? maskUser(value)
    : redactValue(value, context);
}

function isBareIdentity(name: string, value: string): boolean {
  return IDENTITY_FIELD.test(name)
    ? !/[:@]/.test(value)
    : ADDRESS_FIELD.test(name) && BARE_NUMBER.test(value);
}

function redactValue(value: unknown, context: Context): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value, context);
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : redactContainer(value, context);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    default:
      return value;
  }
}

function redactContainer(value: object, context: Context): unknown {
  if (context.ancestors.includes(value)) {
    return '[circular]';
  }
  if (context.ancestors.length >= MAX_DEPTH) {
    return '[too deep]';
  }
  if (value instanceof Error) {
    return redactError(value, context);
  }
  if (ArrayBuffer.isView(value)) {
    return `[${value.byteLength} bytes]`;
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : value.toISOString();
  }
  const inner = { ...context, ancestors: [...context.ancestors, value] };
  if (Array.isArray(value)) {
    return value.slice(0, MAX_ENTRIES).map((item: unknown) => redactValue(item, inner));
  }
  if (value instanceof Map || value instanceof Set) {
    return redactValue(Array.from(value as Iterable<unknown>), context);
  }
  return redactObject(value, context);
}

function redactError(error: Error, context: Context): Record<string, unknown> {
  const inner = { ...context, ancestors: [...context.ancestors, error] };
  return {
    name: error.name,
    message: redactText(errorMessage(error), context),
    ...(isGatewayError(error)
      ? { code: error.code, details: redactValue(error.details, inner) }
      : {}),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack, context) }),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, inner) }),
  };
}
