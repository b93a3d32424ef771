import { Injectable } from '@nestjs/common';
import { type Aggregator, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DurationHistogram } from './duration-histogram.js';

/** How the gauges of several workers become one. Counters and histograms add up. */
export type OverWorkers = Extract<Aggregator, 'sum' | 'max' | 'min'>;

/**
 * What this application counts, for Prometheus to ask for. Each feature names its own numbers, beside what they count.
 * A registry for each application, not the library's own for the process: tests run many. Label values come from this
 * program, never from a caller: each new one is kept for ever, and shown.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }

  /** Durations in seconds of what happens with every request. */
  durations<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    bounds: number[],
  ): DurationHistogram<Label> {
    return new DurationHistogram(name, help, labelNames, bounds).registerIn(this.registry);
  }

  /**
   * A number that is read when somebody asks for it, and costs nothing until then.
   *
   * @param overWorkers what the number of all workers is: their sum, the largest or the smallest
   */
  gauge(name: string, help: string, overWorkers: OverWorkers, read: () => number): void {
    this.gaugeBy(name, help, [], overWorkers, (set) => set({}, read()));
  }

  /** The same for a number with labels. */
  gaugeBy<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    overWorkers: OverWorkers,
    read: (set: (labels: Record<Label, string>, value: number) => void) => void,
  ): void {
    const gauge: Gauge<Label> = new Gauge({
      name,
      help,
      labelNames,
      aggregator: overWorkers,
      registers: [this.registry],
      collect: () => read((labels, value) => gauge.set(labels, value)),
    });
  }

  /** A number that something else counts up, read when somebody asks for it. */
  countedElsewhere(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }
}
