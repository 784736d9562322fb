import { type FastifyInstance, type FastifyReply } from 'fastify';

import { type UsersPort, type UserView } from './operations';
import * as schemas from './schemas';

const MAX_USERS = 1000;

const userParams = {
  type: 'object',
  properties: { userId: { type: 'string', minLength: 1, maxLength: 256 } },
  required: ['userId'],
} as const;

const organisationQuery = {
  type: 'object',
  properties: {
    organisation: {
      type: 'string',
      maxLength: 64,
      description: 'needed only when several organisations have a user of that name',
    },
  },
} as const;

interface UserRoute {
  Params: { userId: string };
  Querystring: { organisation?: string };
}

/** Who is recorded, and how. */
export function addUserRoutes(server: FastifyInstance, users: UsersPort): void {
  interface ListQuery {
    organisation?: string;
    after?: string;
    limit: number;
  }
  server.get<{ Querystring: ListQuery }>(
    '/v1/users',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Configured users, page by page',
        tags: ['users'],
        querystring: {
          type: 'object',
          properties: {
            organisation: { type: 'string', maxLength: 64 },
            after: {
              type: 'string',
              maxLength: 512,
              description: '`next` of the page before',
            },
            limit: { type: 'integer', minimum: 1, maximum: MAX_USERS, default: 100 },
          },
        },
        response: { 200: schemas.users },
      },
    },
    ({ query }) => {
      const { organisation = null, after = null, limit } = query;
      // One more than asked tells whether there is another page.
      const found = users.list({ organisationId: organisation, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const hasMore = found.length > limit && last !== undefined;
      return { users: page, next: hasMore ? `${last.organisationId}/${last.userId}` : null };
    },
  );
  server.get<UserRoute>(
    '/v1/users/:userId',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One user with the settings in force',
        tags: ['users'],
        params: userParams,
        querystring: organisationQuery,
        response: { 200: schemas.user, 404: schemas.problem, 409: schemas.problem },
      },
    },
    ({ params, query }, reply) =>
      withUser(users, params.userId, query.organisation, reply, found => found),
  );
  server.get<UserRoute>(
    '/v1/users/:userId/platform',
    {
      config: { scope: 'read' },
      schema: {
        summary: "How the provider's portal knows the user",
        tags: ['users'],
        params: userParams,
        querystring: organisationQuery,
        response: { 200: schemas.platform, 404: schemas.problem, 409: schemas.problem },
      },
    },
    ({ params, query }, reply) =>
      withUser(users, params.userId, query.organisation, reply, found =>
        users.platform(found.organisationId, found.userId),
      ),
  );
  server.patch<UserRoute & { Body: Readonly<Record<string, unknown>> }>(
    '/v1/users/:userId',
    {
      config: { scope: 'admin' },
      schema: {
        summary: "Change a user's recording settings; kept in the overlay file",
        description:
          'Keys are those of `recording` in docs/configuration.md. Disabling a user drops its settings from the overlay.',
        tags: ['users'],
        params: userParams,
        querystring: organisationQuery,
        body: { type: 'object', minProperties: 1, maxProperties: 32, additionalProperties: true },
        response: {
          200: schemas.user,
          404: schemas.problem,
          409: schemas.problem,
          422: schemas.problem,
        },
      },
    },
    ({ params, query, body }, reply) =>
      withUser(users, params.userId, query.organisation, reply, async found => {
        const { organisationId, userId } = found;
        const answer = await users.change(organisationId, userId, body);
        return answer.ok
          ? (users.find(userId).find(each => each.organisationId === organisationId) ?? found)
          : reply
              .code(422)
              .send({ error: 'these settings are not usable', problems: answer.problems });
      }),
  );
}

function withUser<T>(
  users: UsersPort,
  userId: string,
  organisationId: string | undefined,
  reply: FastifyReply,
  use: (user: UserView) => T,
): T | FastifyReply {
  const found = users
    .find(userId)
    .filter(user => organisationId === undefined || user.organisationId === organisationId);
  const [user] = found;
  if (user === undefined) {
    return reply.code(404).send({ error: 'there is no such user' });
  }
  return found.length > 1
    ? reply.code(409).send({
        error: 'several organisations have a user of that name: name one',
        problems: found.map(each => each.organisationId),
      })
    : use(user);
}
