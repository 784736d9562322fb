import { type SlicedWork } from '#core';
import { z } from 'zod';
import { isMapping } from './key-path';
import { userSchema } from './people-schema';
import { userIdSchema } from './leaf-schemas';
import { configSchema } from './schema';

type Mapping = Readonly<Record<string, unknown>>;

/** What the schema says of a tree. */
export interface ParsedTree {
  /** null: there are issues. */
  readonly data: z.output<typeof configSchema> | null;
  readonly issues: readonly z.core.$ZodIssue[];
}

/** So many users are checked in one step. */
const USERS_PER_STEP = 50;

const usersSchema = z.record(userIdSchema, userSchema);

/** As `configSchema.safeParse`, with the users of organisations a few at a time: there may be very many. */
export function* parseInParts(root: unknown): SlicedWork<ParsedTree> {
  const users = usersOf(root);
  const rest = configSchema.safeParse(withoutUsers(root, users), { reportInput: true });
  const data = rest.success ? rest.data : null;
  const issues: z.core.$ZodIssue[] = rest.success ? [] : [...rest.error.issues];
  for (const [organisation, all] of users) {
    const parsed = data?.organisations[organisation]?.users ?? {};
    const ids = Object.keys(all);
    for (let from = 0; from < ids.length; from += USERS_PER_STEP) {
      const some = Object.fromEntries(
        ids.slice(from, from + USERS_PER_STEP).map(id => [id, all[id]]),
      );
      const result = usersSchema.safeParse(some, { reportInput: true });
      if (result.success) {
        Object.assign(parsed, result.data);
      } else {
        const at = ['organisations', organisation, 'users'];
        issues.push(
          ...result.error.issues.map(issue => ({ ...issue, path: [...at, ...issue.path] })),
        );
      }
      yield;
    }
  }
  return { data: issues.length === 0 ? data : null, issues };
}

/** By organisation, where they are what they should be. */
function usersOf(root: unknown): ReadonlyMap<string, Mapping> {
  const organisations = isMapping(root) ? root['organisations'] : undefined;
  const found = new Map<string, Mapping>();
  for (const [name, organisation] of isMapping(organisations)
    ? Object.entries(organisations)
    : []) {
    const users = isMapping(organisation) ? organisation['users'] : undefined;
    if (isMapping(users)) {
      found.set(name, users);
    }
  }
  return found;
}

function withoutUsers(root: unknown, users: ReadonlyMap<string, Mapping>): unknown {
  const organisations = isMapping(root) ? root['organisations'] : undefined;
  if (!isMapping(root) || !isMapping(organisations)) {
    return root ?? {};
  }
  const reduced = Object.entries(organisations).map(([name, organisation]) => [
    name,
    users.has(name) && isMapping(organisation) ? { ...organisation, users: {} } : organisation,
  ]);
  return { ...root, organisations: Object.fromEntries(reduced) as Mapping };
}
