import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { parseConfig } from '#config';
import { createMetrics } from '../../../src/observability';

describe('docs/metrics.md', () => {
  test('lists exactly the metrics of the registry, with type and labels', () => {
    const text = readFileSync(path.resolve(__dirname, '../../../docs/metrics.md'), 'utf8');
    const documented = text.split('\n').flatMap(line => {
      const cells = line.split('|').map(cell => cell.trim());
      const name = /^`(siprec_gateway_[a-z_]+)`$/.exec(cells[1] ?? '')?.[1];
      return name === undefined ? [] : [[name, cells[2], cells[3]?.replaceAll('`', '')]];
    });
    const registered = createMetrics({ processMetrics: false })
      .registry.getMetricsAsArray()
      .map(metric => {
        const { name, type, labelNames } = metric as unknown as {
          name: string;
          type: string;
          labelNames: string[];
        };
        return [name, type, labelNames.join(', ')];
      });
    expect(documented.sort()).toEqual(registered.sort());
  });

  test('the process metrics that it mentions are there', async () => {
    const text = await createMetrics().registry.metrics();
    expect(text).toContain('process_cpu_user_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});

describe('docker/', () => {
  const DOCKER = path.resolve(__dirname, '../../../docker');

  test.each(['prometheus/alerts.yaml', 'grafana/dashboards/siprec-gateway.json'])(
    '%s asks only for metrics that there are',
    file => {
      const names = createMetrics({ processMetrics: false })
        .registry.getMetricsAsArray()
        .map(({ name }) => name);
      const text = readFileSync(path.join(DOCKER, file), 'utf8');
      const asked = [...text.matchAll(/siprec_gateway_[a-z_]+/g)].map(([name]) => name);
      expect(asked.length).toBeGreaterThan(8);
      expect(asked.filter(name => !names.includes(name.replace(/_bucket$/, '')))).toEqual([]);
    },
  );

  test('gateway.yaml is a configuration that the gateway takes', () => {
    const file = path.join(DOCKER, 'gateway.yaml');
    const { organisations } = parseConfig(readFileSync(file, 'utf8'), file);
    expect(Object.keys(organisations)).toEqual(['example']);
  });
});
