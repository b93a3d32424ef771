/** The log of a run in words: the readable counterexample. */
export class Trace {
  private readonly lines: string[] = [];

  constructor(private readonly now: () => number) {
    this.start = now();
  }

  private readonly start: number;

  add(what: string): void {
    const ms = this.now() - this.start;
    this.lines.push(`${(ms / 1000).toFixed(3).padStart(12)} s  ${what}`);
  }

  /** Fails the run, with the log. */
  fail(why: string): never {
    throw new Error(`${why}\n\nWhat happened:\n${this.lines.join('\n')}\n`);
  }
}
