import { type ServerResponse } from 'node:http';

import { type Clock, type Timer } from '#core';
import { type FastifyInstance, type FastifyReply } from 'fastify';

import { type EventFeed, eventJson, type GatewayEvent } from '../webhooks';
import { type AdminOperations } from './operations';

export interface EventStreamOptions {
  readonly feed: EventFeed;
  readonly operations: Pick<AdminOperations, 'call' | 'watchLevels'>;
  readonly clock: Clock;
  readonly maxClients?: number;
  readonly heartbeatMs?: number;
}

const MAX_CLIENTS = 32;
/** Proxies drop what is silent for a minute. */
const HEARTBEAT_MS = 15_000;
/** Bytes that a client may lag behind; then it is dropped, and catches up when it comes back. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** Five times a second. */
const LEVEL_INTERVAL_MS = 200;
const MAX_LEVEL_CALLS = 50;

/** Server-sent events (WHATWG HTML, "Server-sent events"): what happens, and levels while somebody watches. */
export function addEventStreams(
  server: FastifyInstance,
  {
    feed,
    operations,
    clock,
    maxClients = MAX_CLIENTS,
    heartbeatMs = HEARTBEAT_MS,
  }: EventStreamOptions,
): void {
  const streams = new Set<Stream>();
  const levels = new LevelWatch(operations, clock);
  server.addHook('preClose', done => {
    streams.forEach(stream => stream.end());
    done();
  });

  const open = (reply: FastifyReply): Stream | null => {
    if (streams.size >= maxClients) {
      void reply.code(503).header('retry-after', '5').send({ error: 'too many clients listen' });
      return null;
    }
    reply.hijack();
    const stream = new Stream(reply.raw, clock, heartbeatMs, () => streams.delete(stream));
    streams.add(stream);
    return stream;
  };

  server.get<{ Querystring: { kinds?: string } }>(
    '/v1/events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Everything that happens, as server-sent events',
        description:
          'With `Last-Event-ID` it goes on behind that event; an event `reset` says that some were missed for good.',
        tags: ['events'],
        produces: ['text/event-stream'],
        querystring: {
          type: 'object',
          properties: {
            kinds: {
              type: 'string',
              maxLength: 256,
              description: 'first words of the kinds wanted, e.g. `recording,call`',
            },
          },
        },
      },
    },
    (request, reply) => {
      const stream = open(reply);
      if (stream === null) {
        return reply;
      }
      const kinds = request.query.kinds?.split(',').map(kind => kind.trim());
      const send = (event: GatewayEvent): void => {
        const [firstWord = ''] = event.kind.split('.');
        if (kinds === undefined || kinds.includes(firstWord)) {
          stream.send(event.kind, eventJson(event), event.id);
        }
      };
      const lastId = request.headers['last-event-id'];
      if (typeof lastId === 'string' && lastId !== '') {
        const missed = feed.since(lastId);
        if (missed === null) {
          stream.send('reset', '{}');
        } else {
          missed.forEach(send);
        }
      }
      stream.onEnd(feed.listen(send));
      return reply;
    },
  );

  server.get<{ Querystring: { calls: string } }>(
    '/v1/levels',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Levels of both parties of some calls, five times a second',
        tags: ['events'],
        produces: ['text/event-stream'],
        querystring: {
          type: 'object',
          properties: {
            calls: {
              type: 'string',
              minLength: 1,
              maxLength: 4096,
              description: `call ids, at most ${MAX_LEVEL_CALLS}, with commas between them`,
            },
          },
          required: ['calls'],
        },
      },
    },
    (request, reply) => {
      const stream = open(reply);
      if (stream !== null) {
        const callIds = request.query.calls.split(',').slice(0, MAX_LEVEL_CALLS);
        stream.onEnd(levels.watch(callIds, message => stream.send('levels', message)));
      }
      return reply;
    },
  );
}

/** One client that listens. */
class Stream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  #heartbeat: Timer | null = null;
  #cleanUps: (() => void)[];
  #isEnded = false;

  constructor(response: ServerResponse, clock: Clock, heartbeatMs: number, onEnd: () => void) {
    this.#response = response;
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
    this.#cleanUps = [onEnd];
    response.on('close', () => this.end());
    response.on('error', () => this.end());
    // The server's time-outs are for requests that take long to come, not for this.
    response.socket?.setTimeout(0);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(': welcome\n\n');
    this.#beat();
  }

  send(event: string, data: string, id: string | null = null): void {
    if (this.#isEnded) {
      return;
    }
    if (this.#response.writableLength > MAX_BUFFERED_BYTES) {
      this.end();
      return;
    }
    this.#response.write(`${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
  }

  onEnd(cleanUp: () => void): void {
    if (this.#isEnded) {
      cleanUp();
    } else {
      this.#cleanUps.push(cleanUp);
    }
  }

  end(): void {
    if (this.#isEnded) {
      return;
    }
    this.#isEnded = true;
    this.#heartbeat?.cancel();
    this.#cleanUps.forEach(cleanUp => cleanUp());
    this.#response.destroy();
  }

  #beat(): void {
    this.#heartbeat = this.#clock.setTimer(this.#heartbeatMs, () => {
      this.#response.write(': still here\n\n');
      this.#beat();
    });
  }
}

/** Measures levels only of calls that somebody watches, and only as long. */
class LevelWatch {
  readonly #operations: EventStreamOptions['operations'];
  readonly #clock: Clock;
  readonly #watchers = new Map<string, number>();
  readonly #clients = new Set<{ callIds: readonly string[]; send: (message: string) => void }>();
  #timer: Timer | null = null;

  constructor(operations: EventStreamOptions['operations'], clock: Clock) {
    this.#operations = operations;
    this.#clock = clock;
  }

  /** @returns how to stop watching. */
  watch(callIds: readonly string[], send: (message: string) => void): () => void {
    const client = { callIds: [...new Set(callIds)], send };
    this.#clients.add(client);
    client.callIds.forEach(callId => this.#count(callId, 1));
    this.#timer ??= this.#clock.setTimer(LEVEL_INTERVAL_MS, () => this.#tick());
    return () => {
      if (this.#clients.delete(client)) {
        client.callIds.forEach(callId => this.#count(callId, -1));
      }
      if (this.#clients.size === 0) {
        this.#timer?.cancel();
        this.#timer = null;
      }
    };
  }

  #count(callId: string, by: 1 | -1): void {
    const before = this.#watchers.get(callId) ?? 0;
    const after = before + by;
    if (after === 0) {
      this.#watchers.delete(callId);
    } else {
      this.#watchers.set(callId, after);
    }
    if ((before === 0) !== (after === 0)) {
      this.#operations.watchLevels(callId, after > 0);
    }
  }

  #tick(): void {
    this.#timer = this.#clock.setTimer(LEVEL_INTERVAL_MS, () => this.#tick());
    const levels = new Map(
      [...this.#watchers.keys()].flatMap(callId => {
        const parties = this.#operations.call(callId)?.parties;
        return parties === undefined
          ? []
          : [[callId, { caller: parties.caller.levelDbfs, callee: parties.callee.levelDbfs }]];
      }),
    );
    for (const { callIds, send } of this.#clients) {
      const own = callIds.flatMap(callId => {
        const level = levels.get(callId);
        return level === undefined ? [] : [{ callId, ...level }];
      });
      send(JSON.stringify(own));
    }
  }
}
