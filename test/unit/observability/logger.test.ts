import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Writable } from 'node:stream';
import { type Clock, systemClock } from '#core';
import { createLogger, type LogLevel } from '../../../src/observability';

const clock: Clock = { ...systemClock, wallNowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) };

class Lines extends Writable {
  text = '';

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  get records(): unknown[] {
    return this.text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as unknown);
  }
}

async function logged(
  level: LogLevel,
  write: (logger: ReturnType<typeof createLogger>['logger']) => void,
): Promise<unknown[]> {
  const stream = new Lines();
  const log = createLogger({ level, stream, clock });
  write(log.logger);
  await log.close();
  return stream.records;
}

describe('createLogger', () => {
  test('writes one JSON object per line', async () => {
    const records = await logged('info', logger => {
      logger.info('call answered', { callId: 'c1', setupMs: 12 });
      logger.warn('line\nbreak');
    });
    const time = '2026-01-02T03:04:05.006Z';
    expect(records).toEqual([
      { time, level: 'info', message: 'call answered', callId: 'c1', setupMs: 12 },
      { time, level: 'warn', message: 'line\nbreak' },
    ]);
  });

  test('children add their fields to every line', async () => {
    const records = await logged('info', logger => {
      const child = logger.child({ callId: 'c1' }).child({ recordingId: 'r1' });
      child.error('lost', { recordingId: 'r2' });
      logger.info('mine');
    });
    expect(records).toMatchObject([
      { message: 'lost', callId: 'c1', recordingId: 'r2' },
      { message: 'mine' },
    ]);
    expect(records[1]).not.toHaveProperty('callId');
  });

  test.each([
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ] as const)('at level %s writes %d of four lines', async (level, count) => {
    const records = await logged(level, logger => {
      logger.debug('d');
      logger.info('i');
      logger.warn('w');
      logger.error('e');
    });
    expect(records).toHaveLength(count);
  });

  test('fields cannot replace time, level or message', async () => {
    const [record] = await logged('info', logger =>
      logger.info('real', { message: 'fake', level: 'error', time: 'never' }),
    );
    expect(record).toMatchObject({ message: 'real', level: 'info', time: clockTime() });
  });

  test('masks numbers from info upwards and shows them at debug, but never secrets', async () => {
    const records = await logged('debug', logger => {
      const fields = { requestUri: 'sip:+15551230100@gw', secret: 's3cret', digits: '42' };
      logger.child(fields).info('in');
      logger.child(fields).debug('in');
    });
    expect(records).toMatchObject([
      { requestUri: 'sip:+155***0100@gw', secret: '[redacted]', digits: '[redacted]' },
      { requestUri: 'sip:+15551230100@gw', secret: '[redacted]', digits: '[redacted]' },
    ]);
  });

  test('never throws, whatever is logged', async () => {
    const hostile = {
      get boom(): never {
        throw new Error('getter');
      },
    };
    const records = await logged('info', logger => {
      expect(() => logger.info('odd', { hostile })).not.toThrow();
      logger.info('next');
    });
    expect(records.at(-1)).toMatchObject({ message: 'next' });
  });

  test('drops lines while its target is stuck, counts them and says so afterwards', async () => {
    const received: string[] = [];
    let release: (() => void) | null = null;
    const stuck = new Writable({
      decodeStrings: false,
      highWaterMark: 1,
      write(chunk: string, _encoding, done) {
        received.push(chunk);
        if (release === null) {
          release = done;
        } else {
          done();
        }
      },
    });
    const log = createLogger({ level: 'info', stream: stuck, clock });
    for (let i = 0; i < 3000; i++) {
      log.logger.info('x'.repeat(4000), { i });
    }
    (release as (() => void) | null)?.();
    await new Promise(resolve => setImmediate(resolve));
    log.logger.info('after');
    await log.close();
    const dropped = received.map(line => JSON.parse(line) as { message: string; count?: number });
    const report = dropped.find(line => line.message === 'log lines were dropped');
    expect(report?.count).toBeGreaterThan(500);
    expect(received.length + (report?.count ?? 0)).toBe(3002);
  });

  describe('to a file', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'log-'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    test('appends, and close() writes everything out and is idempotent', async () => {
      const file = path.join(folder, 'a.log');
      for (const message of ['one', 'two']) {
        const log = createLogger({ level: 'info', file, clock });
        log.logger.info(message);
        await Promise.all([log.close(), log.close()]);
        log.logger.info('after close is ignored');
      }
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      expect(lines.map(line => (JSON.parse(line) as { message: string }).message)).toEqual([
        'one',
        'two',
      ]);
    });

    test('a file that cannot be opened is a clear error', () => {
      const file = path.join(folder, 'no', 'such', 'folder.log');
      expect(() => createLogger({ level: 'info', file })).toThrow(
        expect.objectContaining({ code: 'REC_ERR_LOG_FILE' }) as Error,
      );
    });
  });
});

function clockTime(): string {
  return new Date(clock.wallNowMs()).toISOString();
}
