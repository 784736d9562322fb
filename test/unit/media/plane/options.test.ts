import { noopLogger, systemClock } from '#core';
import { createMediaPlane, type MediaPlaneOptions } from '#media';

const RIGHT: MediaPlaneOptions = {
  backend: 'dgram',
  workers: 1,
  networks: { lo: { bindHost: '127.0.0.1', advertisedHost: '127.0.0.1' } },
  portMin: 20_000,
  portMax: 20_001,
  portQuarantineMs: 0,
  dscp: 46,
  mediaTimeoutMs: 0,
  ringBytes: 100_000,
  recordingCatchUpFactor: 3,
  logger: noopLogger,
  clock: systemClock,
};

test.each<[string, Partial<MediaPlaneOptions>]>([
  ['workers', { workers: 0 }],
  ['workers', { workers: 1.5 }],
  ['portMin', { portMin: 20_001 }],
  ['portMax', { portMax: 70_000 }],
  ['dscp', { dscp: 64 }],
  ['ringBytes', { ringBytes: 100 }],
  ['recordingCatchUpFactor', { recordingCatchUpFactor: 1 }],
  ['networks', { networks: {} }],
  ['networks.x.bindHost', { networks: { x: { bindHost: 'localhost', advertisedHost: 'x' } } }],
])('a wrong %s is refused by name', async (name, parts) => {
  await expect(createMediaPlane({ ...RIGHT, ...parts })).rejects.toMatchObject({
    code: 'REC_ERR_MEDIA_OPTIONS',
    message: expect.stringContaining(name) as string,
  });
});

test('every problem is named at once', async () => {
  await expect(createMediaPlane({ ...RIGHT, workers: 0, dscp: -1 })).rejects.toMatchObject({
    details: { problems: [expect.stringMatching('workers'), expect.stringMatching('dscp')] },
  });
});
