interface BatcherOptions<Entry, Result> {
  /** Runs a batch. Resolves to one result for each entry, in their order. */
  run: (entries: Entry[]) => Promise<Result[]>;
  /** Entries with equal keys are one entry. */
  keyOf: (entry: Entry) => string;
  /**
   * Whether an error of a batch may be caused by one of its entries: then each entry is tried again in a batch of its own.
   * Otherwise, as when the database is unavailable, the whole batch fails.
   */
  isRetriedOneByOne: (error: unknown) => boolean;
  /** Entries in a batch; the rest waits for the next one. */
  maxSize?: number;
  /** Back-pressure: entries that waited longer for their batch to begin are rejected with `error`. */
  maxWait?: { ms: number; error: () => unknown };
}

/**
 * Collects what arrives while a batch runs into the next batch: no timer, and no added latency when idle. Equal entries
 * are a single flight: they share one place and one result.
 */
export class Batcher<Entry, Result> {
  private waiting = new Map<string, { entry: Entry; since: number; result: Promise<Result>; settle: Settle<Result> }>();
  private running = false;
  private readonly options: Required<Omit<BatcherOptions<Entry, Result>, 'maxWait'>> &
    Pick<BatcherOptions<Entry, Result>, 'maxWait'>;

  constructor(options: BatcherOptions<Entry, Result>) {
    this.options = { maxSize: 500, ...options };
  }

  submit(entry: Entry): Promise<Result> {
    const key = this.options.keyOf(entry);
    const same = this.waiting.get(key);
    if (same) return same.result;

    const { promise, resolve, reject } = withResolvers<Result>();
    this.waiting.set(key, { entry, since: performance.now(), result: promise, settle: { resolve, reject } });
    if (!this.running) void this.drain();
    return promise;
  }

  private async drain(): Promise<void> {
    this.running = true;
    // What arrives in this turn of the event loop goes into one batch.
    await new Promise(setImmediate);
    for (this.rejectLate(); this.waiting.size > 0; this.rejectLate()) await this.runNext();
    this.running = false;
  }

  /** The entries are in the order of their arrival. */
  private rejectLate(): void {
    const { maxWait } = this.options;
    if (!maxWait) return;
    const oldest = performance.now() - maxWait.ms;
    for (const [key, { since, settle }] of this.waiting) {
      if (since >= oldest) return;
      this.waiting.delete(key);
      settle.reject(maxWait.error());
    }
  }

  private async runNext(): Promise<void> {
    const batch = [...this.waiting].slice(0, this.options.maxSize);
    for (const [key] of batch) this.waiting.delete(key);
    try {
      const results = await this.options.run(batch.map(([, { entry }]) => entry));
      batch.forEach(([, { settle }], i) => settle.resolve(results[i]!));
    } catch (error) {
      const waiters = batch.map(([, waiter]) => waiter);
      if (batch.length > 1 && this.options.isRetriedOneByOne(error)) await this.runOneByOne(waiters);
      else for (const { settle } of waiters) settle.reject(error);
    }
  }

  private async runOneByOne(waiters: { entry: Entry; settle: Settle<Result> }[]): Promise<void> {
    let failures = 0;
    for (const [i, { entry, settle }] of waiters.entries()) {
      try {
        const [result] = await this.options.run([entry]);
        settle.resolve(result!);
      } catch (error) {
        settle.reject(error);
        // Two failures are not one bad entry: the rest need not wait to fail the same way.
        if (++failures === 2) {
          for (const waiter of waiters.slice(i + 1)) waiter.settle.reject(error);
          return;
        }
      }
    }
  }
}

interface Settle<T> {
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

function withResolvers<T>(): { promise: Promise<T> } & Settle<T> {
  let settle!: Settle<T>;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
