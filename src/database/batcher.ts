/**
 * Gathers what arrives while a batch is under way into the next one: no timer, and no added latency when idle.
 * Entries with the same key share one place and one answer.
 */
export class Batcher<Entry, Answer> {
  private waiting = new Map<string, { entry: Entry; since: number; answer: Promise<Answer>; settle: Settle<Answer> }>();
  private running = false;

  /**
   * @param run answers the entries in their order
   * @param keyOf entries of one key are one entry
   * @param failsAlone whether an error may be one entry's fault: then each is tried again by itself. Otherwise, as when
   *   the database is away, all fail at once
   * @param maxSize entries in a batch; the rest wait for the next
   * @param patience how long an entry may wait for its batch to begin, and what it is refused with after that: batches
   *   that each wait for a database in vain would else make a queue without end
   */
  constructor(
    private readonly run: (entries: Entry[]) => Promise<Answer[]>,
    private readonly keyOf: (entry: Entry) => string,
    private readonly failsAlone: (error: unknown) => boolean = () => true,
    private readonly maxSize: number = 500,
    private readonly patience: { ms: number; refusal: () => unknown } = {
      ms: Infinity,
      refusal: () => undefined,
    },
  ) {}

  add(entry: Entry): Promise<Answer> {
    const key = this.keyOf(entry);
    const same = this.waiting.get(key);
    if (same) return same.answer;

    const { promise, resolve, reject } = withResolvers<Answer>();
    this.waiting.set(key, { entry, since: performance.now(), answer: promise, settle: { resolve, reject } });
    if (!this.running) void this.drain();
    return promise;
  }

  private async drain(): Promise<void> {
    this.running = true;
    // What arrives in this turn of the event loop goes together.
    await new Promise(setImmediate);
    for (this.refuseTheLate(); this.waiting.size > 0; this.refuseTheLate()) await this.runNext();
    this.running = false;
  }

  /** They stand in the order of their arrival. */
  private refuseTheLate(): void {
    const oldest = performance.now() - this.patience.ms;
    for (const [key, { since, settle }] of this.waiting) {
      if (since >= oldest) return;
      this.waiting.delete(key);
      settle.reject(this.patience.refusal());
    }
  }

  private async runNext(): Promise<void> {
    const batch = [...this.waiting].slice(0, this.maxSize);
    for (const [key] of batch) this.waiting.delete(key);
    const entries = batch.map(([, { entry }]) => entry);
    try {
      const answers = await this.run(entries);
      batch.forEach(([, { settle }], i) => settle.resolve(answers[i]!));
    } catch (error) {
      if (batch.length > 1 && this.failsAlone(error)) await this.runOneByOne(batch.map(([, waiter]) => waiter));
      else for (const [, { settle }] of batch) settle.reject(error);
    }
  }

  private async runOneByOne(waiters: { entry: Entry; settle: Settle<Answer> }[]): Promise<void> {
    let failures = 0;
    for (const [i, { entry, settle }] of waiters.entries()) {
      try {
        const [answer] = await this.run([entry]);
        settle.resolve(answer!);
      } catch (error) {
        settle.reject(error);
        // Two that fail were not one bad entry: the rest need not wait to fail the same way.
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
