/* Distinguished Encoding Rules (ITU-T X.690), as far as a certificate needs them. Pure. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value with its tag and length. */
function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) {
    return Buffer.from([bytes]);
  }
  const digits = unsigned(bytes);
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}

function unsigned(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

export function sequence(...items: readonly Buffer[]): Buffer {
  return tagged(TAG.sequence, Buffer.concat(items));
}

export function set(...items: readonly Buffer[]): Buffer {
  return tagged(TAG.set, Buffer.concat(items));
}

/** @param magnitude of a number that is not negative, big-endian. */
export function integer(magnitude: Buffer): Buffer {
  const isNegativeLooking = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return tagged(
    TAG.integer,
    isNegativeLooking ? Buffer.concat([Buffer.from([0]), magnitude]) : magnitude,
  );
}

export function boolean(value: boolean): Buffer {
  return tagged(TAG.boolean, Buffer.from([value ? 0xff : 0]));
}

/** @param bits whole bytes. */
export function bitString(bits: Buffer): Buffer {
  return tagged(TAG.bitString, Buffer.concat([Buffer.from([0]), bits]));
}

export function octetString(content: Buffer): Buffer {
  return tagged(TAG.octetString, content);
}

export function utf8String(text: string): Buffer {
  return tagged(TAG.utf8, Buffer.from(text, 'utf8'));
}

/** @param dotted e.g. `2.5.29.17`. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return tagged(TAG.oid, Buffer.from([40 * first + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) {
    digits.unshift((rest & 0x7f) | 0x80);
  }
  return digits;
}

/** Whole seconds of a time before 2050 (RFC 5280 §4.1.2.5.1). */
export function utcTime(atMs: number): Buffer {
  const text = new Date(atMs).toISOString().slice(2, 19).replace(/[-:T]/g, '');
  return tagged(TAG.utcTime, Buffer.from(`${text}Z`, 'latin1'));
}

/** A context-specific tag around whole values (`isConstructed`) or around bare content. */
export function context(tag: number, content: Buffer, isConstructed: boolean): Buffer {
  return tagged((isConstructed ? 0xa0 : 0x80) | tag, content);
}
