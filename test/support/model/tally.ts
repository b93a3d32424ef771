/** Counts events, so that a run that checks too little fails. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(what: string, by = 1): void {
    this.counts.set(what, this.of(what) + by);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  /** The events of `wanted` that happened too rarely. */
  missing(wanted: Record<string, number>): string[] {
    return Object.entries(wanted)
      .filter(([what, minimum]) => this.of(what) < minimum)
      .map(([what, minimum]) => `${what}: ${this.of(what)} of ${minimum}`);
  }

  toString(): string {
    return [...this.counts]
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  }
}
