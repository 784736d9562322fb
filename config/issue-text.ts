import { z } from 'zod';
import { nearest } from './did-you-mean';
import { variableOf } from './environment';
import { type KeyPath } from './key-path';
import { allowedKeys, schemaAt } from './schema-walk';

/** A problem without its place in the file. */
export interface PlacedMessage {
  readonly path: KeyPath;
  readonly message: string;
}

/** Says an issue of the schema in the operator's words; one message per unknown key. */
export function describeIssue(issue: z.core.$ZodIssue): readonly PlacedMessage[] {
  const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part));
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => ({ path: [...path, key], message: unknownKey(key, path) }));
    case 'invalid_type':
      return [{ path, message: wrongType(issue, path) }];
    case 'invalid_value':
      return [{ path, message: wrongValue(issue) }];
    case 'too_small':
    case 'too_big':
      return [{ path, message: outOfBounds(issue, path) }];
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? 'is not a possible name' }];
    case 'custom':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_element':
      return [{ path, message: `${issue.message}${found(issue.input)}` }];
  }
}

function unknownKey(key: string, parent: KeyPath): string {
  const allowed = allowedKeys(parent);
  const meant = nearest(key, allowed);
  return meant === null
    ? `is not a known key; known here: ${allowed.join(', ')}`
    : `is not a known key; did you mean ${meant}?`;
}

function wrongValue(issue: z.core.$ZodIssueInvalidValue): string {
  const wanted = oneOf(issue.values);
  return issue.input === undefined
    ? `is required and must be ${wanted}`
    : `must be ${wanted}${got(issue.input)}`;
}

function wrongType(issue: z.core.$ZodIssueInvalidType, path: KeyPath): string {
  const wanted = typeName(issue.expected, path);
  if (issue.input === undefined) {
    return `is required and must be ${wanted}${orVariable(path)}`;
  }
  if (issue.input === null) {
    return `is empty; must be ${wanted}, or leave the key out`;
  }
  if (issue.expected === 'string' && typeof issue.input === 'number') {
    return 'must be text: put it in quotes, or YAML reads it as a number and drops a leading plus or zero';
  }
  return `must be ${wanted}${got(issue.input)}`;
}

/** Secrets usually come from the environment: say how. */
function orVariable(path: KeyPath): string {
  const variable = variableOf(path);
  return variable === null ? '' : ` (or set ${variable})`;
}

function typeName(expected: string, path: KeyPath): string {
  switch (expected) {
    case 'string':
      return 'text';
    case 'int':
    case 'number':
      return bounds(path) ?? 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'object':
    case 'record':
      return 'a mapping of keys';
    case 'array':
      return 'a list';
    default:
      return expected;
  }
}

function outOfBounds(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  path: KeyPath,
): string {
  if (issue.origin === 'array') {
    return issue.code === 'too_small'
      ? `must have at least ${String(issue.minimum)} entry`
      : `must have at most ${String(issue.maximum)} entries`;
  }
  return `must be ${bounds(path) ?? 'within its bounds'}${got(issue.input)}`;
}

function bounds(path: KeyPath): string | null {
  const schema = schemaAt(path);
  return schema instanceof z.ZodNumber && schema.minValue !== null && schema.maxValue !== null
    ? `a whole number from ${schema.minValue} to ${schema.maxValue}`
    : null;
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

/** What was found instead, short. Checks of secrets do not hand their input over. */
function found(input: unknown): string {
  const text = got(input);
  return text === '' ? '' : ` (found ${text.slice(', not '.length)})`;
}

function got(input: unknown): string {
  if (typeof input === 'string') {
    return `, not ${JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input)}`;
  }
  if (typeof input === 'number' || typeof input === 'boolean') {
    return `, not ${String(input)}`;
  }
  return Array.isArray(input)
    ? ', not a list'
    : typeof input === 'object' && input !== null
      ? ', not a mapping'
      : '';
}
