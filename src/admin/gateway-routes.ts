import { type FastifyInstance } from 'fastify';

import { type AdminOperations } from './operations';
import * as schemas from './schemas';

/** The gateway as a whole: providers, reload, drain. */
export function addGatewayRoutes(server: FastifyInstance, operations: AdminOperations): void {
  server.get(
    '/v1/providers',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Recording providers and how they do',
        tags: ['gateway'],
        response: { 200: schemas.providers },
      },
    },
    () => ({ providers: operations.providers() }),
  );
  server.post(
    '/v1/drain',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Refuse new calls from now on; calls in progress go on',
        tags: ['gateway'],
        response: { 202: { type: 'object', properties: { draining: { type: 'boolean' } } } },
      },
    },
    (_request, reply) => {
      operations.drain();
      return reply.code(202).send({ draining: true });
    },
  );
  const reload = operations.reload?.bind(operations);
  if (reload !== undefined) {
    server.post(
      '/v1/reload',
      {
        config: { scope: 'admin' },
        schema: {
          summary: 'Read the configuration again; a bad one changes nothing',
          tags: ['gateway'],
          response: { 204: { type: 'null' }, 422: schemas.problem },
        },
      },
      async (_request, reply) => {
        const answer = await reload();
        return answer.ok
          ? reply.code(204).send()
          : reply
              .code(422)
              .send({ error: 'the configuration is not usable', problems: answer.problems });
      },
    );
  }
}
