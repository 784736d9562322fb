import { isMapping } from './key-path';

/**
 * Lays `over` over `base`: mappings key by key, everything else replaces. Neither is changed; what `over` does not touch
 * is shared with `base`.
 */
export function mergeTrees(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) {
    return over;
  }
  const merged: Record<string, unknown> = { ...base };
  for (const key of Object.keys(over)) {
    const value = Object.hasOwn(merged, key) ? mergeTrees(merged[key], over[key]) : over[key];
    // A plain assignment of __proto__ would change the prototype instead.
    Object.defineProperty(merged, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

/**
 * As {@link mergeTrees}, and a null takes the key away (RFC 7396): for changes of the overlay. Mappings that become empty
 * disappear.
 */
export function patchTree(base: unknown, patch: unknown): unknown {
  if (!isMapping(patch)) {
    return patch;
  }
  const patched: Record<string, unknown> = isMapping(base) ? { ...base } : {};
  for (const key of Object.keys(patch)) {
    const value =
      patch[key] === null
        ? undefined
        : patchTree(Object.hasOwn(patched, key) ? patched[key] : undefined, patch[key]);
    if (value === undefined || (isMapping(value) && Object.keys(value).length === 0)) {
      Reflect.deleteProperty(patched, key);
    } else {
      Object.defineProperty(patched, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return patched;
}
