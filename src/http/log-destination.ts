import { fstatSync, writeSync } from 'node:fs';

/** Characters that wait while nobody reads stdout. */
const BUFFER_LIMIT = 1024 * 1024;

/**
 * Writes log lines to stdout without ever blocking the event loop. A pipe or a socket that nobody reads exerts
 * back-pressure: a bounded buffer fills, then lines are dropped and counted. Files take every line at once.
 */
export class LogDestination {
  private readonly isStream = isPipeOrSocket();
  private hasErrorListener = false;
  private dropped = 0;

  /** Since the start: lines that were not written, because stdout was full or broken. */
  get droppedLines(): number {
    return this.dropped;
  }

  write(line: string): void {
    if (this.isStream) this.writeToStream(line);
    else this.writeToFile(line);
  }

  /** Resolves when everything is written, or stdout is broken. */
  async flush(): Promise<void> {
    if (this.isStream && process.stdout.writableLength > 0) {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    }
  }

  private writeToStream(line: string): void {
    const { stdout } = process;
    // The reader may go away (EPIPE): the server lives on.
    if (!this.hasErrorListener) stdout.on('error', () => {});
    this.hasErrorListener = true;
    if (stdout.writableLength > BUFFER_LIMIT) this.dropped++;
    else stdout.write(line, this.countFailure);
  }

  private readonly countFailure = (error?: Error | null): void => {
    if (error) this.dropped++;
  };

  private writeToFile(line: string): void {
    try {
      writeSync(1, line);
    } catch {
      // A disk may be full for a while.
      this.dropped++;
    }
  }
}

function isPipeOrSocket(): boolean {
  const stdout = fstatSync(1);
  return stdout.isFIFO() || stdout.isSocket();
}
