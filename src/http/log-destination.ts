import { appendFileSync, fstatSync } from 'node:fs';

/** Characters that are buffered while nobody reads stdout. */
const BUFFER_LIMIT = 1024 * 1024;

/**
 * Writes log lines to stdout, once in each pass of the event loop, without ever blocking it. A pipe or a socket that nobody
 * reads exerts back-pressure: a bounded buffer fills, then lines are dropped and counted. Files take every line.
 */
export class LogDestination {
  private readonly isStream = isPipeOrSocket();
  private isOpen = false;
  private batch = '';
  private batchLines = 0;
  private dropped = 0;

  /** Since the start: lines that were not written, because stdout was full or broken. */
  get droppedLines(): number {
    return this.dropped;
  }

  write(line: string): void {
    if (!this.isOpen) this.open();
    if (this.isStream && process.stdout.writableLength + this.batch.length > BUFFER_LIMIT) {
      this.dropped++;
      return;
    }
    if (this.batchLines === 0) setImmediate(() => this.writeBatch());
    this.batch += line;
    this.batchLines++;
  }

  /** Resolves when everything is written, or stdout is broken. */
  async flush(): Promise<void> {
    this.writeBatch();
    if (this.isStream && process.stdout.writableLength > 0) {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    }
  }

  /** Not before the first line: a process of the tests has many destinations that write none. */
  private open(): void {
    this.isOpen = true;
    process.once('exit', () => this.writeBatch());
    // The reader may go away (EPIPE): the server lives on.
    if (this.isStream) process.stdout.on('error', () => {});
  }

  private writeBatch(): void {
    const { batch, batchLines } = this;
    this.batch = '';
    this.batchLines = 0;
    if (batchLines === 0) return;
    if (this.isStream) {
      process.stdout.write(batch, (error) => {
        if (error) this.dropped += batchLines;
      });
    } else this.appendToFile(batch, batchLines);
  }

  /** A disk may be full for a while. */
  private appendToFile(batch: string, batchLines: number): void {
    try {
      appendFileSync(1, batch);
    } catch {
      this.dropped += batchLines;
    }
  }
}

/** What stdout is, when it is no file and no terminal. */
export function isPipeOrSocket(): boolean {
  const stdout = fstatSync(1);
  return stdout.isFIFO() || stdout.isSocket();
}
