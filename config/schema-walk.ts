import { z } from 'zod';
import { type KeyPath } from './key-path';
import { configSchema } from './schema';

/** The schema of the value at `path`, without its wrappers (default, optional, …); null: no such place. */
export function schemaAt(path: KeyPath): z.core.$ZodType | null {
  let schema: z.core.$ZodType | null = configSchema;
  for (const part of path) {
    schema = schema === null ? null : child(unwrap(schema), part);
  }
  return schema === null ? null : unwrap(schema);
}

/** Key names that a mapping of fixed keys allows at `path`; empty for anything else. */
export function allowedKeys(path: KeyPath): readonly string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/**
 * Every key of the configuration, sorted: `sip.listeners[].port`, `trunks.<name>.kind`. Only leaves: keys
 * whose value is a scalar or a list of scalars.
 */
export function allKeys(): readonly string[] {
  return leaves(configSchema, '').sort();
}

function leaves(wrapped: z.core.$ZodType, prefix: string): string[] {
  const schema = unwrap(wrapped);
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape as Record<string, z.core.$ZodType>).flatMap(([key, value]) =>
      leaves(value, prefix === '' ? key : `${prefix}.${key}`),
    );
  }
  if (schema instanceof z.ZodRecord) {
    return leaves(schema.valueType, `${prefix}.<name>`);
  }
  if (schema instanceof z.ZodArray) {
    const element = unwrap(schema.element);
    return element instanceof z.ZodObject ? leaves(element, `${prefix}[]`) : [prefix];
  }
  return [prefix];
}

function child(schema: z.core.$ZodType, part: string | number): z.core.$ZodType | null {
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Record<string, z.core.$ZodType>;
    return Object.hasOwn(shape, part) ? (shape[part] ?? null) : null;
  }
  if (schema instanceof z.ZodRecord) {
    return schema.valueType;
  }
  return schema instanceof z.ZodArray ? schema.element : null;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional
  ) {
    return unwrap(schema.unwrap());
  }
  return schema;
}
