import { describe, expect, it } from 'vitest';
import { Metrics } from '../metrics/metrics.js';
import { mergeReports, readMetrics, readTotals } from '../metrics/metrics-report.js';
import type { CollectedMetrics } from './messages.js';
import { WorkerReports } from './worker-reports.js';

/** A worker that counts requests, and responds unless it is silent. */
class FakeWorker {
  isServing = true;
  isHandingOver = false;
  isSilent = false;
  private readonly metrics = new Metrics();
  private readonly requests = this.metrics.counter('requests_total', 'Requests');

  constructor(readonly number: number) {
    this.metrics.gaugeBy('latchkey_workers', 'Workers, by state', ['state'], 'sum', (set) =>
      set({ state: 'responding' }, 1),
    );
  }

  serve(requests: number): void {
    this.requests.inc(requests);
  }

  totals = () => readTotals(this.metrics.registry);

  report = async () => {
    if (this.isSilent) return null;
    // As messages between processes are copies.
    const application = structuredClone(await readMetrics(this.metrics.registry));
    return { worker: this.number, application, process: [] };
  };
}

const numbersOf = async ({ reports, others }: CollectedMetrics) => {
  const text = await mergeReports(reports, others).metrics();
  const numberOf = (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );
  const workers = ['responding', 'silent', 'missing'].map((state) => numberOf(`latchkey_workers{state="${state}"}`));
  return { requests: numberOf('requests_total'), workers, deaths: numberOf('latchkey_worker_deaths_total') };
};

describe('the reports of workers', () => {
  const [one, two] = [new FakeWorker(1), new FakeWorker(2)];

  it('add up, and never go down', async () => {
    const all = new WorkerReports(2);
    let running = [one, two];
    const numbers = async () => numbersOf(await all.collect(() => running));
    one.serve(3);
    two.serve(4);
    expect(await numbers()).toEqual({ requests: 7, workers: [2, 0, 0], deaths: 0 });

    two.isSilent = true;
    two.serve(1);
    expect(await numbers()).toEqual({ requests: 7, workers: [1, 1, 0], deaths: 0 });

    running = [one];
    all.noteExit(two);
    all.noteDeath();
    expect(await numbers()).toEqual({ requests: 7, workers: [1, 0, 1], deaths: 1 });

    const three = new FakeWorker(2);
    three.serve(10);
    running = [one, three];
    expect(await numbers()).toEqual({ requests: 17, workers: [2, 0, 0], deaths: 1 });
  });

  it('keep what a worker counted after the last scrape, if it stopped by itself', async () => {
    const all = new WorkerReports(1);
    const worker = new FakeWorker(1);
    let running = [worker];
    worker.serve(1);
    await all.collect(() => running);
    worker.serve(5);
    all.noteTotals(worker, await worker.totals());
    running = [];
    all.noteExit(worker);
    expect((await numbersOf(await all.collect(() => running))).requests).toBe(6);
  });

  it('count no worker twice that exits during a scrape', async () => {
    const all = new WorkerReports(2);
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    first.serve(1);
    second.serve(1);
    let running = [first, second];
    const slow = second.report;
    second.report = async () => {
      const report = await slow();
      // The other one responded and exits, before this one responds.
      await new Promise(setImmediate);
      running = [second];
      all.noteExit(first);
      return report;
    };
    expect((await numbersOf(await all.collect(() => running))).requests).toBe(2);
  });

  it('of many workers that have exited take no more and more memory, and none is lost', async () => {
    const all = new WorkerReports(1);
    for (let i = 0; i < 100; i++) {
      const worker = new FakeWorker(1);
      worker.serve(1);
      all.noteTotals(worker, await worker.totals());
      all.noteExit(worker);
      const { others } = await all.collect(() => []);
      expect(others.length).toBeLessThan(20);
    }
    expect((await numbersOf(await all.collect(() => []))).requests).toBe(100);
  });
});
