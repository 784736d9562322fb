import { type FastifyInstance, type FastifyReply } from 'fastify';

import { type ControlAnswer, type ControlRequest, type ParticipantsOutcome } from '../session';
import { type AdminOperations, type ParticipantChange } from './operations';
import * as schemas from './schemas';

const MAX_CALLS = 1000;
const DEFAULT_CALLS = 100;

const limitQuery = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: MAX_CALLS, default: DEFAULT_CALLS },
  },
} as const;

/** Why a control was refused, as HTTP says it. */
const REFUSALS: Partial<Record<ControlAnswer['outcome'], number>> = {
  'refused-unknown': 404,
  'refused-wrong-party': 403,
};

/** Why a list of participants was refused, likewise. */
const PARTICIPANT_REFUSALS: Record<
  Exclude<ParticipantsOutcome, 'done'>,
  { readonly status: number; readonly error: string }
> = {
  'refused-unknown': {
    status: 404,
    error: 'there is no such call (any more), or this user is not recorded in it',
  },
  'refused-not-answered': { status: 409, error: 'the call is not answered yet' },
  'refused-not-recorded': { status: 409, error: 'nobody is recorded in this call (any more)' },
  'refused-duplicate': { status: 422, error: 'participants: the same address is there twice' },
};

/** Calls and recordings in progress, and their controls. */
export function addCallRoutes(server: FastifyInstance, operations: AdminOperations): void {
  server.get<{ Querystring: { limit: number } }>(
    '/v1/calls',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Calls in progress, newest first',
        tags: ['calls'],
        querystring: limitQuery,
        response: { 200: schemas.calls },
      },
    },
    ({ query }) => {
      const all = operations.calls();
      return { total: all.length, calls: all.slice(-query.limit).reverse() };
    },
  );
  server.get<{ Params: { callId: string } }>(
    '/v1/calls/:callId',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One call in progress',
        tags: ['calls'],
        params: schemas.callParams,
        response: { 200: schemas.call, 404: schemas.problem },
      },
    },
    ({ params }, reply) => operations.call(params.callId) ?? notFound(reply),
  );
  server.get<{ Querystring: { limit: number } }>(
    '/v1/recordings',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Recordings in progress, newest call first',
        tags: ['recordings'],
        querystring: limitQuery,
        response: { 200: schemas.recordings },
      },
    },
    ({ query }) => {
      const all = operations
        .calls()
        .flatMap(({ callId, recordings }) => recordings.map(each => ({ callId, ...each })))
        .filter(({ recordingId }) => recordingId !== null);
      return { total: all.length, recordings: all.slice(-query.limit).reverse() };
    },
  );
  server.post<{ Params: { callId: string }; Body: ControlRequest }>(
    '/v1/calls/:callId/recording',
    {
      config: { scope: 'control' },
      schema: {
        summary: 'Start, stop, pause or resume the recording of a call',
        tags: ['recordings'],
        params: schemas.callParams,
        body: schemas.controlBody,
        response: {
          200: schemas.controlAnswer,
          403: schemas.problem,
          404: schemas.problem,
          409: { ...schemas.problem, description: 'its mode or its state does not allow it' },
        },
      },
    },
    async ({ params, body }, reply) => {
      const answer = await operations.control(params.callId, body);
      const { outcome } = answer;
      return outcome === 'done' || outcome === 'unchanged'
        ? { outcome }
        : reply.code(REFUSALS[outcome] ?? 409).send({ error: outcome, outcome });
    },
  );
  addParticipantsRoute(server, operations);
}

function addParticipantsRoute(server: FastifyInstance, operations: AdminOperations): void {
  interface Body {
    readonly userId?: string;
    readonly participants: readonly (Omit<ParticipantChange, 'displayName'> &
      Partial<ParticipantChange>)[];
  }
  server.post<{ Params: { callId: string }; Body: Body }>(
    '/v1/calls/:callId/participants',
    {
      config: { scope: 'control' },
      schema: {
        summary: 'Tell who is on the other side of a call that a switch holds (a conference)',
        tags: ['calls'],
        params: schemas.callParams,
        body: schemas.participantsBody,
        response: {
          204: { type: 'null' },
          404: {
            ...schemas.problem,
            description: 'no such call, or the user is not recorded in it',
          },
          409: { ...schemas.problem, description: 'not answered, or nobody is recorded in it' },
          422: { ...schemas.problem, description: 'the same address twice' },
        },
      },
    },
    ({ params, body }, reply) => {
      const participants = body.participants.map(({ aor, displayName = null }) => ({
        aor,
        displayName,
      }));
      const { callId } = params;
      const outcome = operations.setParticipants(callId, participants, body.userId ?? null);
      if (outcome === 'done') {
        return reply.code(204).send();
      }
      const { status, error } = PARTICIPANT_REFUSALS[outcome];
      return reply.code(status).send({ error, outcome });
    },
  );
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'there is no such call (any more)' });
}
