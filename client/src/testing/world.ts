/** Time that passes only when nothing else can happen, so that months take seconds and every run is the same. */
export class World {
  now = 1_000_000;
  private readonly events: { at: number; run: () => void }[] = [];

  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    let index = this.events.length;
    while (index > 0 && this.events[index - 1]!.at > at) index -= 1;
    this.events.splice(index, 0, { at, run });
  }

  /** Lets happen what has to, until this is settled. */
  async until<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => true,
      () => true,
    );
    const resting = () => breathe().then(() => false);
    while (!(await Promise.race([settled, resting()]))) {
      if (!this.step(Infinity)) throw new Error('Nothing is left that could happen');
    }
    return work;
  }

  /** Lets this time pass, with everything that happens in it. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await breathe();
    while (this.step(end)) await breathe();
    this.now = end;
  }

  private step(end: number): boolean {
    const next = this.events[0];
    if (!next || next.at > end) return false;
    this.events.shift();
    this.now = next.at;
    next.run();
    return true;
  }
}

/** Promises, and the streams of responses, come to rest. */
async function breathe(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => void setImmediate(resolve));
}
