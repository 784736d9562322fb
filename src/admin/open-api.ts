import swagger from '@fastify/swagger';
import { type FastifyInstance } from 'fastify';

/** Makes the OpenAPI document from the routes that are added after it, and serves it. */
export async function addOpenApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'siprec-gateway',
        version,
        description: 'Calls and recordings in progress, their controls, users, and the gateway.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of `admin.tokens` with the scope that the operation names.',
          },
        },
      },
      security: [{ token: [] }],
    },
    // Paths that are no part of the API: metrics, health, the live page.
    transform: ({ schema, url, route }) => {
      const scope = route.config?.scope;
      const isApi = url.startsWith('/v1/') && url !== '/v1/openapi.json';
      const hidden = { ...schema, hide: true };
      const described =
        scope === undefined
          ? hidden
          : {
              ...schema,
              description: [schema.description, `Scope: \`${scope}\`.`].filter(Boolean).join(' '),
            };
      return { schema: isApi ? described : hidden, url };
    },
  });
  server.get('/v1/openapi.json', { schema: { hide: true } }, () => server.swagger());
}
