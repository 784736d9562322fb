import { noopLogger } from '#core';
import { type MediaPlaneOptions } from '#media';
import { ManualClock } from '../../../support/manual-clock';
import { SlotTable } from '../../../../media/plane/slot-table';
import { SparePairs } from '../../../../media/plane/spare-pairs';
import { type WorkerCommand, type WorkerReply } from '../../../../media/worker/protocol';

type Opening = Extract<WorkerCommand, { kind: 'open-spares' }>;

/** A worker that answers when it is told to. */
class ScriptedWorker {
  readonly commands: Opening[] = [];
  readonly #answers: {
    resolve: (reply: WorkerReply) => void;
    reject: (error: Error) => void;
  }[] = [];

  request(build: (request: number) => WorkerCommand): Promise<WorkerReply> {
    const command = build(this.commands.length);
    if (command.kind !== 'open-spares') {
      throw new Error(`unexpected ${command.kind}`);
    }
    this.commands.push(command);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  async answer(unopened: WorkerReply['unopened'] = []): Promise<void> {
    const reply = { request: 0, error: null, busySlot: null, atMs: 0, unopened };
    this.#answers.shift()?.resolve({ kind: 'reply', ...reply });
    await settle();
  }

  async die(): Promise<void> {
    this.#answers.shift()?.reject(new Error('dead'));
    await settle();
  }
}

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

function setUp(pairs = 200): {
  clock: ManualClock;
  worker: ScriptedWorker;
  table: SlotTable;
  spares: SparePairs;
} {
  const clock = new ManualClock();
  const options: MediaPlaneOptions = {
    backend: 'dgram',
    workers: 1,
    networks: {
      inside: { bindHost: '127.0.0.1', advertisedHost: '127.0.0.1' },
      outside: { bindHost: '127.0.0.2', advertisedHost: '192.0.2.1' },
    },
    portMin: 20_000,
    portMax: 20_000 + 2 * pairs - 1,
    portQuarantineMs: 0,
    dscp: 46,
    mediaTimeoutMs: 0,
    ringBytes: 100_000,
    recordingCatchUpFactor: 3,
    logger: noopLogger,
    clock,
  };
  const table = new SlotTable(options, clock);
  const worker = new ScriptedWorker();
  return { clock, worker, table, spares: new SparePairs(worker, table, clock) };
}

/** Lets it open whatever it wants. */
async function fill({ clock, worker }: ReturnType<typeof setUp>): Promise<void> {
  for (let opened = -1; opened !== worker.commands.length;) {
    opened = worker.commands.length;
    clock.advance(10);
    await worker.answer();
  }
}

describe('SparePairs', () => {
  test('has nothing for the first call on a network, and pairs that are open for the next', async () => {
    const bench = setUp();
    expect(bench.spares.take('inside', 1)).toEqual([]);
    await fill(bench);
    const opened = bench.worker.commands.flatMap(({ bindings }) => bindings);
    expect(opened).toHaveLength(16);
    const taken = bench.spares.take('inside', 2);
    expect(taken.map(({ binding }) => binding)).toEqual(opened.slice(0, 2));
    expect(taken[0]?.local.rtp).toEqual({ host: '127.0.0.1', port: opened[0]?.port });
    expect(bench.spares.count).toBe(14);
  });

  test('opens no pair in the moment in which one is taken, and few at a time after it', () => {
    const { clock, worker, spares } = setUp();
    spares.take('inside', 1);
    expect(worker.commands).toHaveLength(0);
    clock.advance(5);
    expect(worker.commands.map(({ bindings }) => bindings.length)).toEqual([4]);
    // One batch at a time: the worker has packets to look after.
    spares.take('inside', 1);
    clock.advance(1000);
    expect(worker.commands).toHaveLength(1);
  });

  test('gives all that are asked for or none', async () => {
    const bench = setUp();
    bench.spares.take('inside', 1);
    await fill(bench);
    expect(bench.spares.take('inside', 15)).toHaveLength(15);
    expect(bench.spares.take('inside', 2)).toEqual([]);
    expect(bench.spares.take('inside', 1)).toHaveLength(1);
  });

  test('holds pairs of each network apart', async () => {
    const bench = setUp();
    bench.spares.take('inside', 1);
    bench.spares.take('outside', 1);
    await fill(bench);
    const [pair] = bench.spares.take('outside', 1);
    expect(pair).toMatchObject({
      binding: { host: '127.0.0.2' },
      local: { rtp: { host: '192.0.2.1' } },
    });
    expect(bench.spares.count).toBe(31);
  });

  test('leaves the last pairs of a network to the calls', async () => {
    const bench = setUp(66);
    bench.spares.take('inside', 1);
    await fill(bench);
    expect(bench.spares.count).toBe(2);
    expect(bench.table.freePairs('inside')).toBe(64);
  });

  test('puts a pair aside that another program holds, and tries others with the next call', async () => {
    const bench = setUp();
    bench.spares.take('inside', 1);
    bench.clock.advance(5);
    const busy = bench.worker.commands[0]?.bindings[1];
    await bench.worker.answer([{ slot: busy?.slot ?? -1, error: 'EADDRINUSE' }]);
    bench.clock.advance(1000);
    expect(bench.worker.commands).toHaveLength(1);
    expect(bench.spares.count).toBe(3);
    expect(bench.table.portsInUse).toBe(8);
    bench.spares.take('inside', 1);
    await fill(bench);
    const opened = bench.worker.commands.slice(1).flatMap(({ bindings }) => bindings);
    expect(opened.map(({ port }) => port)).not.toContain(busy?.port);
  });

  test.each(['before', 'while'] as const)(
    'gives every pair back when the worker dies %s it opens some',
    async when => {
      const bench = setUp();
      bench.spares.take('inside', 1);
      if (when === 'before') {
        await fill(bench);
        bench.spares.close();
      } else {
        bench.clock.advance(5);
        bench.spares.close();
        await bench.worker.die();
      }
      bench.clock.advance(1);
      expect(bench.spares.count).toBe(0);
      expect(bench.table.portsInUse).toBe(0);
      expect(bench.spares.take('inside', 1)).toEqual([]);
      expect(bench.clock.runningTimers).toBe(0);
    },
  );

  test('an unknown network is a typed error', () => {
    expect(() => setUp().spares.take('nowhere', 1)).toThrow(
      expect.objectContaining({ code: 'REC_ERR_MEDIA_UNKNOWN_NETWORK' }) as Error,
    );
  });
});
