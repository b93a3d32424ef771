import type { Registry } from 'prom-client';

type Labels<Label extends string> = Record<Label, string | number>;

/** A series of a `DurationHistogram`: the durations with the same values of its labels. */
export class DurationSeries {
  readonly counts: number[];
  sum = 0;

  constructor(private readonly bounds: number[]) {
    // The last is for durations beyond every bound.
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && seconds > this.bounds[bucket]!) bucket++;
    this.counts[bucket]! += 1;
    this.sum += seconds;
  }
}

/**
 * A histogram for what happens with every request. Whoever counts keeps its series; the histogram of prom-client builds and
 * looks up the text of all labels each time.
 */
export class DurationHistogram<Label extends string> {
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  private readonly series: { labels: Labels<Label>; series: DurationSeries }[] = [];

  /** @param bounds upper bounds of the buckets in seconds, in ascending order */
  constructor(
    readonly name: string,
    readonly help: string,
    readonly labelNames: Label[],
    private readonly bounds: number[],
  ) {}

  /** A new series. The labels must differ from those of every other one. */
  add(labels: Labels<Label>): DurationSeries {
    const series = new DurationSeries(this.bounds);
    this.series.push({ labels, series });
    return series;
  }

  /** What a registry of prom-client asks of its metrics. */
  async get() {
    const { name, help, type, aggregator } = this;
    const values = this.series.flatMap(({ labels, series }) => this.valuesOf(labels, series));
    return { name, help, type, aggregator, values };
  }

  registerIn(registry: Registry): this {
    registry.registerMetric(this as never);
    return this;
  }

  private valuesOf(labels: Labels<Label>, { counts, sum }: DurationSeries) {
    let count = 0;
    const buckets = [...this.bounds, '+Inf'].map((le, i) => {
      count += counts[i]!;
      return { labels: { le, ...labels }, value: count, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: sum, metricName: `${this.name}_sum` },
      { labels, value: count, metricName: `${this.name}_count` },
    ];
  }
}
