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
    if (!(this.isStream ? this.writeToStream(line) : writeToFile(line))) this.dropped++;
  }

  /** Resolves when everything is written, or stdout is broken. */
  async flush(): Promise<void> {
    if (this.isStream && process.stdout.writableLength > 0) {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    }
  }

  private writeToStream(line: string): boolean {
    const { stdout } = process;
    // Whoever reads the pipe may go away (EPIPE): the server lives on.
    if (!this.hasErrorListener) stdout.on('error', () => {});
    this.hasErrorListener = true;
    if (!stdout.writable || stdout.writableLength > BUFFER_LIMIT) return false;
    stdout.write(line);
    return true;
  }
}

function isPipeOrSocket(): boolean {
  const stdout = fstatSync(1);
  return stdout.isFIFO() || stdout.isSocket();
}

/** A disk may be full for a while. */
function writeToFile(line: string): boolean {
  try {
    writeSync(1, line);
    return true;
  } catch {
    return false;
  }
}
