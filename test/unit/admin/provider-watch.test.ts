import { ProviderWatch } from '../../../src/admin';
import { noopMetrics } from '../../../src/observability';
import { ManualClock } from '../../support/manual-clock';

describe('ProviderWatch', () => {
  test('judges a provider by its last attempt and by the targets known dead', () => {
    const clock = new ManualClock();
    const dead = new Set<string>();
    const watch = new ProviderWatch(
      () => ({ lab: ['sip:a', 'sip:b'], idle: ['sip:c'] }),
      uri => dead.has(uri),
      clock,
    );
    const heard: string[] = [];
    const metrics = watch.watching({
      ...noopMetrics,
      recordingStarted: provider => heard.push(`started ${provider}`),
    });
    const lab = (): unknown => watch.views()[0];
    expect(watch.views().map(({ providerId, state }) => [providerId, state])).toEqual([
      ['lab', 'unknown'],
      ['idle', 'unknown'],
    ]);
    clock.advance(10);
    metrics.recordingStarted('lab');
    metrics.srsFailure('lab', 'srs-refused');
    expect(lab()).toMatchObject({ state: 'down', openRecordings: 1, lastFailure: 'srs-refused' });
    clock.advance(10);
    metrics.observeSrsSetup('lab', 0.1);
    metrics.recordingEnded('lab', 'recorded');
    expect(lab()).toMatchObject({ state: 'up', openRecordings: 0, lastSuccessAtMs: 20 });
    dead.add('sip:a');
    expect(lab()).toMatchObject({ state: 'up', deadTargets: ['sip:a'] });
    dead.add('sip:b');
    expect(lab()).toMatchObject({ state: 'down', deadTargets: ['sip:a', 'sip:b'] });
    expect(heard).toEqual(['started lab']);
  });
});
