import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics.js';
import { mergeReports, readMetrics, readTotals, totalsOf, type MetricsReport } from './metrics-report.js';

/** The report of a worker with one metric of each kind. */
async function reportOf(worker: number, value: number): Promise<MetricsReport> {
  const metrics = new Metrics();
  metrics.counter('requests_total', 'Requests', ['code']).inc({ code: 'ok' }, value);
  metrics.histogram('seconds', 'Durations', ['route'], [1, 5]).observe({ route: '/' }, value);
  metrics.gauge('memory', 'Sum', 'sum', () => value);
  metrics.gauge('age', 'Largest', 'max', () => value);
  metrics.gauge('trusted', 'Smallest', 'min', () => value);
  const process = new Metrics();
  process.gauge('lag', 'Of a process', 'sum', () => value);
  const application = await readMetrics(metrics.registry);
  return { worker, application, process: await readMetrics(process.registry) };
}

const linesOf = async (registry: Registry) => (await registry.metrics()).split('\n').filter((line) => /^\w/.test(line));

describe('mergeReports', () => {
  it('adds up counters and histograms, and aggregates each gauge as it says', async () => {
    const merged = mergeReports([await reportOf(1, 2), await reportOf(2, 7)]);
    expect(await linesOf(merged)).toEqual([
      'requests_total{code="ok"} 9',
      'seconds_bucket{le="1",route="/"} 0',
      'seconds_bucket{le="5",route="/"} 1',
      'seconds_bucket{le="+Inf",route="/"} 2',
      'seconds_sum{route="/"} 9',
      'seconds_count{route="/"} 2',
      'memory 9',
      'age 7',
      'trusted 2',
      'lag{worker="1"} 2',
      'lag{worker="2"} 7',
    ]);
  });

  it('adds what other workers have counted before, and no gauge of theirs', async () => {
    const { application } = await reportOf(3, 4);
    const gone = await totalsOf([application, application]);
    const lines = await linesOf(mergeReports([await reportOf(1, 2)], [gone]));
    expect(lines).toEqual(expect.arrayContaining(['requests_total{code="ok"} 10', 'seconds_count{route="/"} 3']));
    expect(lines).toEqual(expect.arrayContaining(['memory 2', 'age 2', 'trusted 2']));
  });
});

describe('readTotals', () => {
  it('reads no gauge', async () => {
    const metrics = new Metrics();
    metrics.counter('requests_total', 'Requests').inc(3);
    metrics.gauge('broken', 'Of what is closed', 'sum', () => {
      throw new Error('closed');
    });
    expect((await readTotals(metrics.registry)).map(({ name }) => name)).toEqual(['requests_total']);
  });
});
