import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CommanderError, parseArguments } from '../../bench/command-line';
import { featuresReport } from '../../bench/features';
import { FEATURE_NAMES, type FeatureName, FEATURES } from '../../bench/feature-rows';
import { mediaReport } from '../../bench/media';
import { bdecode, bencode } from '../../bench/peers/bencode';
import { type MediaBackend } from '../../bench/result';
import { Histogram, slope, spread } from '../../bench/statistics';
import { formatReport } from '../../bench/tables';
import { type TrafficResult } from '../../bench/traffic/plan';

function result(cpuUsPerPacket: number | null, isLimit = false): TrafficResult {
  return {
    cpuUsPerPacket,
    packetsSent: 1000,
    packetsReceived: 1000,
    copiesReceived: 1000,
    lossPct: 0,
    copyLossPct: 0,
    latencyMs: { p50: 0.1, p99: 0.5, max: 1 },
    jitterMs: 0.01,
    rssKiB: 90_000,
    generator: { cpuShare: 0.2, latenessP99Ms: 1, drops: 0, isLimit },
  };
}

function cell(
  backend: MediaBackend,
  calls: number,
  results: readonly TrafficResult[],
): Parameters<typeof mediaReport>[0][number] {
  const peer = { pid: 1, legs: [], emptyRssKiB: 80_000, ringKiBPerCall: 64 };
  return {
    backend,
    calls,
    peer: { ...peer, close: () => Promise.resolve() },
    firstRound: 0,
    results: [...results],
  };
}

describe('the command line of the benchmarks', () => {
  test('measures media and features in five rounds unless told otherwise', () => {
    expect(parseArguments([])).toMatchObject({
      benchmarks: ['media', 'features'],
      isJson: false,
      isList: false,
      rounds: 5,
      calls: null,
      rows: FEATURE_NAMES,
    });
  });

  test('takes rows of the features, and always the one that they are compared with', () => {
    expect(parseArguments(['features', '--rows', 'tone,relay']).rows).toEqual([
      'relay',
      'fork',
      'tone',
    ]);
  });

  test('takes benchmarks, sizes, rounds and durations', () => {
    const words = 'soak media --json --calls 100,300 --rounds 3 --window 2 --duration 90 --rate 7';
    expect(parseArguments(words.split(' '))).toEqual({
      benchmarks: ['soak', 'media'],
      isJson: true,
      isList: false,
      rounds: 3,
      calls: [100, 300],
      backends: null,
      against: null,
      isFresh: false,
      backend: 'linux',
      rows: FEATURE_NAMES,
      windowMs: 2000,
      durationMs: 90_000,
      rate: 7,
      drachtio: null,
    });
  });

  test('takes backends, in the order of the report, and another build that has benchmarks', () => {
    const dist = mkdtempSync(join(tmpdir(), 'bench-'));
    const peers = join(dist, 'test', 'bench', 'peers');
    mkdirSync(peers, { recursive: true });
    writeFileSync(join(peers, 'plane-process.js'), '');
    const words = ['media', '--backends', 'bare,linux', '--against', dist, '--fresh'];
    expect(parseArguments(words)).toMatchObject({
      backends: ['linux', 'bare'],
      against: dist,
      isFresh: true,
    });
    rmSync(dist, { recursive: true });
  });

  test('takes a drachtio-server to compare with', () => {
    const words = 'signalling --drachtio 77,127.0.0.1:9022,127.0.0.9:5060';
    expect(parseArguments(words.split(' ')).drachtio).toEqual({
      pid: 77,
      host: '127.0.0.1',
      port: 9022,
      sip: '127.0.0.9:5060',
    });
  });

  test.each([
    'nonsense',
    'media --rounds 0',
    'media --calls 5,x',
    'media --calls 100000',
    'signalling --drachtio 127.0.0.1:9022',
    'features --rows tone,nonsense',
    'media --backends linux,nonsense',
    'media --against /nowhere/at/all',
  ])('refuses: %s', words => {
    const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(() => parseArguments(words.split(' '))).toThrow(CommanderError);
    stderr.mockRestore();
  });
});

describe('the report of the media benchmark', () => {
  test('compares backends round by round and judges the targets', () => {
    const report = mediaReport([
      cell('linux', 100, [result(10), result(20), result(12)]),
      cell('bare', 100, [result(10), result(16), result(10)]),
      cell('direct', 100, [result(null), result(null), result(null)]),
      cell('linux', 300, [result(11), result(11), result(11)]),
      cell('direct', 300, [result(null), result(null), result(null)]),
    ]);
    expect(report.ratios).toEqual({ 'linux/bare@100': { median: 1.2, min: 1, max: 1.25 } });
    expect(report.media[0]).toMatchObject({
      calls: 100,
      backend: 'linux',
      cpuUsPerPacket: 12,
      lossPct: 0,
      latencyMs: { p50: 0.1, p99: 0.5, max: 1 },
      addedLatencyP99Ms: 0,
    });
    const byName = new Map(report.targets.map(target => [target.name, target]));
    expect(byName.get('CPU per packet, 300 / 100 calls')).toMatchObject({ met: true });
    expect(byName.get('linux / rtpengine, CPU per packet, 300 calls')).toMatchObject({
      value: null,
      met: null,
    });
    expect(byName.get('added latency p99 at 300 calls, ms')).toMatchObject({ value: 0, met: true });
    const machine = {
      cpu: 'x',
      cores: 2,
      memoryMiB: 1,
      kernel: 'k',
      node: 'n',
      rtpengine: null,
      loadBefore: 1,
      loadAfter: 2,
    };
    const text = formatReport({ machine, ...report });
    expect(text).toContain('load average 1 before, 2 after');
    expect(text).toContain('1.2 (1–1.25)');
  });

  test('gives no verdict where the generator was the limit', () => {
    const limited = [result(10, true), result(10, true), result(10, true)];
    const report = mediaReport([cell('linux', 300, limited), cell('bare', 300, limited)]);
    expect(report.ratios).toEqual({});
    expect(report.targets.map(({ met }) => met)).toEqual([null, null, null, null, null]);
    expect(report.highestCleanCalls).toMatchObject({ linux: null });
  });
});

describe('the report of the features benchmark', () => {
  const peer = { pid: 1, legs: [], emptyRssKiB: 0, ringKiBPerCall: 0 };
  const featureCell = (
    name: FeatureName,
    results: TrafficResult[],
  ): Parameters<typeof featuresReport>[0][number] => ({
    name,
    feature: FEATURES[name],
    peer: { ...peer, close: () => Promise.resolve() },
    results,
  });

  test('compares each row with a plain recorded call, round by round, and judges those that were measured', () => {
    const { features, targets } = featuresReport(
      [
        featureCell('fork', [result(10), result(20), result(10)]),
        featureCell('tone', [result(12), result(22), result(13)]),
      ],
      100,
    );
    expect(features[1]).toMatchObject({
      feature: '+ tone mixed',
      cpuUsPerPacket: 13,
      toRelay: null,
      toRecorded: { median: 1.2, min: 1.1, max: 1.3 },
    });
    expect(targets).toEqual([
      { name: expect.stringContaining('tone') as string, value: 1.2, target: '<= 1.4', met: true },
    ]);
  });

  test('compares with plain relay where that was measured', () => {
    const { features } = featuresReport(
      [featureCell('relay', [result(5), result(5)]), featureCell('fork', [result(10), result(20)])],
      100,
    );
    expect(features.map(({ toRelay }) => toRelay?.median)).toEqual([1, 3]);
  });

  test('gives no verdict where the generator was the limit under the plain recorded call', () => {
    const { targets } = featuresReport(
      [featureCell('fork', [result(10, true)]), featureCell('tone', [result(12)])],
      100,
    );
    expect(targets).toMatchObject([{ value: null, met: null }]);
  });
});

describe('the arithmetic of the benchmarks', () => {
  test('gives median and range, and refuses none', () => {
    expect(spread([3, 1, 2, 10])).toEqual({ median: 2.5, min: 1, max: 10 });
    expect(() => spread([])).toThrow(RangeError);
  });

  test('finds the slope in spite of an outlier', () => {
    const points = Array.from({ length: 9 }, (_, x) => [x, x === 4 ? 1000 : 2 * x + 1] as const);
    expect(slope(points)).toBeCloseTo(2);
    expect(slope([[1, 1]])).toBe(0);
  });

  test('counts durations to the microsecond, and longer ones as their maximum', () => {
    const histogram = new Histogram();
    expect(histogram.quantileMs(0.5)).toBe(0);
    for (let us = 1; us <= 100; us++) {
      histogram.add(us);
    }
    histogram.add(900_000);
    expect(histogram.quantileMs(0.5)).toBe(0.051);
    expect(histogram.quantileMs(1)).toBe(900);
    expect(histogram.maxMs).toBe(900);
  });
});

describe('bencode', () => {
  test('writes dictionaries in order and reads them back', () => {
    const value = { sdp: 'v=0\r\n', list: ['é', -5], deeper: { n: 1 } };
    const text = bencode(value);
    expect(text).toBe('d6:deeperd1:ni1ee4:listl2:éi-5ee3:sdp5:v=0\r\ne');
    expect(bdecode(Buffer.from(text))).toEqual(value);
  });

  test.each(['', 'i5', '5:abc', 'l1:a', 'd1:a', 'x', 'i1ei2e', 'l'.repeat(50)])(
    'refuses %j',
    text => {
      expect(() => bdecode(Buffer.from(text))).toThrow(SyntaxError);
    },
  );
});
