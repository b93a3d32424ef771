import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { DurationHistogram } from './duration-histogram.js';

const NAME = 'seconds';
const HELP = 'How long it took';
const BOUNDS = [0.001, 0.01, 1];

describe('a duration histogram', () => {
  it('shows what a histogram of prom-client shows', async () => {
    const registry = new Registry();
    const ours = new DurationHistogram(NAME, HELP, ['route', 'status'], BOUNDS).registerIn(registry);
    const other = new Registry();
    const theirs = new Histogram({
      name: NAME,
      help: HELP,
      labelNames: ['route', 'status'],
      buckets: BOUNDS,
      registers: [other],
    });
    for (const labels of [
      { route: '/a', status: 200 },
      { route: '/b"\\\n', status: 'aborted' },
    ]) {
      const series = ours.add(labels);
      for (const seconds of [0, 0.001, 0.0011, 0.01, 0.5, 1, 1.5, 100]) {
        series.observe(seconds);
        theirs.observe(labels, seconds);
      }
    }
    expect(await registry.metrics()).toBe(await other.metrics());
    const [json, theirJson] = [await registry.getMetricsAsJSON(), await other.getMetricsAsJSON()];
    expect(json).toMatchObject(theirJson.map(({ name, type, aggregator }) => ({ name, type, aggregator })));
  });

  it('without a series shows its name and help', async () => {
    const registry = new Registry();
    new DurationHistogram(NAME, HELP, [], BOUNDS).registerIn(registry);
    expect(await registry.metrics()).toBe(`# HELP ${NAME} ${HELP}\n# TYPE ${NAME} histogram\n`);
  });
});
