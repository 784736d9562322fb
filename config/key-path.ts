/** Keys and indexes from the root of the configuration to a value. */
export type KeyPath = readonly (string | number)[];

/** `sip.listeners[0].port`; keys that are no plain names are quoted. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number' || part === '*') {
      return `${text}[${part}]`;
    }
    if (!/^[A-Za-z0-9_-]+$/.test(part)) {
      return `${text}[${JSON.stringify(part)}]`;
    }
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Whether the value is a mapping (neither null, nor a list, nor a scalar). */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
