/** Simulated time: it passes only when no other work is left, so that runs are fast and deterministic. */
export class World {
  now = 1_000_000;
  private readonly events: { at: number; run: () => void }[] = [];

  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    let index = this.events.length;
    while (index > 0 && this.events[index - 1]!.at > at) index -= 1;
    this.events.splice(index, 0, { at, run });
  }

  /** Runs events until this promise is settled. */
  async until<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => true,
      () => true,
    );
    const resting = () => breathe().then(() => false);
    while (!(await Promise.race([settled, resting()]))) {
      if (!this.step(Infinity)) throw new Error('No event is left, and the promise is pending');
    }
    return work;
  }

  /** Lets this time pass, and runs its events. */
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

/** Waits until promises and response streams have settled. */
async function breathe(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => void setImmediate(resolve));
}
