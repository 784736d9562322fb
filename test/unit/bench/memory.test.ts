import { partRows, partsOf } from '../../bench/memory/parts';
import { parseMappings } from '../../bench/memory/process-memory';
import { type HeapReading } from '../../bench/memory/reading';
import {
  type SoakSample,
  soakSlopes,
  soakTargets,
  WARM_UP_S,
} from '../../bench/memory/soak-verdict';

const CALLS_PER_S = 5;

/** Five minutes of samples; RSS is the sawtooth that V8 makes of it. */
function soak(change: (atS: number, calls: number) => Partial<SoakSample>): SoakSample[] {
  return Array.from({ length: 50 }, (_, i) => {
    const atS = 6 * (i + 1);
    const calls = CALLS_PER_S * atS;
    return {
      atS,
      calls,
      rssKiB: 200_000 + ((7 * i) % 30) * 1000,
      // Collections leave a little more or less, by what is on its way.
      keptKiB: 40_000 + ((37 * i) % 11) * 20,
      heapsKiB: { main: 30_000, sip: 5_000, media: 5_000 },
      nativeKiB: 20_000 + ((23 * i) % 7) * 60,
      handles: 60 + (i % 3),
      eventLoopDelayP99Ms: 12 + (i % 2),
      packets: 400 * calls,
      missing: 0,
      ...change(atS, calls),
    };
  });
}

/** Without "soak" and the unit. */
function nameOf(name: string): string {
  return name.split(', ')[1] ?? name;
}

function verdicts(samples: readonly SoakSample[]): Record<string, boolean | null> {
  return Object.fromEntries<boolean | null>(
    soakTargets(soakSlopes(samples), 0).map(({ name, met }) => [nameOf(name), met]),
  );
}

const ALL_WELL = {
  'objects left by a collection': true,
  'memory outside heaps after a collection': true,
  'handles slope': true,
  'event-loop delay slope': true,
  'packets missing at the recorder': true,
};

describe('the verdict on a soak', () => {
  test('is good where only garbage comes and goes, whatever RSS does', () => {
    expect(verdicts(soak(() => ({})))).toEqual(ALL_WELL);
    // A sawtooth of which five minutes show one rise.
    expect(verdicts(soak(atS => ({ rssKiB: 200_000 + 100 * atS })))).toEqual(ALL_WELL);
  });

  test('finds one kibibyte of objects that each call leaves behind', () => {
    const leaking = soak((_, calls) => ({
      keptKiB: 40_000 + ((calls * 37) % 11) * 20 + calls,
    }));
    expect(verdicts(leaking)).toEqual({ ...ALL_WELL, 'objects left by a collection': false });
    expect(soakSlopes(leaking).keptBytesPerCall).toBeGreaterThan(900);
  });

  test('finds native memory and handles that each call leaves behind', () => {
    expect(verdicts(soak((_, calls) => ({ nativeKiB: 20_000 + 2 * calls })))).toMatchObject({
      'memory outside heaps after a collection': false,
    });
    expect(verdicts(soak(atS => ({ handles: 60 + Math.floor(atS / 30) })))).toMatchObject({
      'handles slope': false,
    });
  });

  test('leaves out the warm-up, in which the heap reaches its working size', () => {
    const rising = soak(atS => ({ keptKiB: 30_000 + 200 * Math.min(atS, WARM_UP_S) }));
    expect(verdicts(rising)).toEqual(ALL_WELL);
  });

  test('takes growth that ends by itself for what it is', () => {
    const compiling = soak((_, calls) => ({ keptKiB: 40_000 + 400 * Math.log(calls) }));
    expect(soakSlopes(compiling).keptBytesPerCall).toBeGreaterThan(200);
    expect(verdicts(compiling)).toEqual(ALL_WELL);
  });

  test('is not given where too little is left after the warm-up', () => {
    const short = soak(() => ({})).filter(({ atS }) => atS < WARM_UP_S + 40);
    const [kept] = soakTargets(soakSlopes(short), 0);
    expect(kept).toMatchObject({ value: null, met: null });
    expect(kept?.reason).toContain('warm-up');
  });
});

const SMAPS = `5581a000-5581b000 r-xp 00000000 fe:00 1234    /usr/bin/node
Rss:                 400 kB
VmFlags: rd ex mr mw me
5581c000-5581e000 rw-p 00000000 00:00 0       [heap]
Rss:                 100 kB
7f0000000000-7f0004000000 rw-p 00000000 00:00 0
Rss:                  32 kB
7f1000000000-7f1000100000 rw-p 00000000 00:00 0
Rss:                  50 kB
`;

function heap(thread: HeapReading['thread'], usedKiB: number): HeapReading {
  return {
    thread,
    usedBytes: usedKiB * 1024,
    physicalBytes: (usedKiB + 10) * 1024,
    externalBytes: 0,
    arrayBufferBytes: 2048,
    mallocedBytes: 0,
  };
}

describe('where memory is', () => {
  test('mappings are told apart: the program, the rings, the rest', () => {
    expect(parseMappings(SMAPS)).toEqual({ rssKiB: 582, fileKiB: 400, ringKiB: 32 });
  });

  test('the parts make up the resident set', () => {
    const memory = { rssKiB: 1000, fileKiB: 400, ringKiB: 32 };
    const parts = partsOf({ calls: 0, memory, heaps: [heap('main', 100), heap('sip', 50)] });
    expect(parts).toMatchObject({
      'main heap': 100,
      'SIP heap': 50,
      'heap room': 20,
      'array buffers': 4,
      rings: 32,
      files: 400,
      native: 1000 - 400 - 32 - 170 - 4,
    });
    expect(Object.values(parts).reduce((sum, kib) => sum + kib, 0)).toBe(1000);
  });

  test('what a call takes is the difference of two sizes', () => {
    const reading = (calls: number, mainKiB: number): Parameters<typeof partsOf>[0] => ({
      calls,
      memory: { rssKiB: 10_000 + mainKiB, fileKiB: 5000, ringKiB: 0 },
      heaps: [heap('main', mainKiB)],
    });
    const rows = partRows({
      empty: reading(0, 1000),
      few: reading(100, 2000),
      fresh: reading(500, 8000),
      many: reading(500, 6000),
    });
    expect(rows.find(({ part }) => part === 'main heap')).toMatchObject({
      kibPerCall: 10,
      freshKiBPerCall: 15,
    });
    expect(rows.at(-1)).toMatchObject({ part: 'all (RSS)', kibPerCall: 10 });
  });
});
