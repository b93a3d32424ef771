import { appendFileSync, fstatSync } from 'node:fs';
import pretty from 'pino-pretty';

/** Characters that are buffered while nobody reads stdout. */
const BUFFER_LIMIT = 1024 * 1024;
/** Lines of requests are written together: when there are this many characters of them, or after this time. */
const BATCH_CHARACTERS = 16 * 1024;
const BATCH_MS = 50;

/**
 * Writes log lines to stdout in batches, without ever blocking the event loop. A pipe or a socket that nobody
 * reads exerts back-pressure: a bounded buffer fills, then lines are dropped and counted. Files take every line.
 */
export class LogDestination {
  private readonly isStream = isPipeOrSocket();
  private isOpen = false;
  private batch = '';
  private batchLines = 0;
  private immediate: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private dropped = 0;
  private readonly terminal;

  /** @param isForPeople whether stdout is a terminal that gets text instead of JSON lines */
  constructor(isForPeople: boolean = false) {
    // In this thread, so that its lines and those of the start keep their order.
    this.terminal = isForPeople ? pretty({ singleLine: true, sync: true }) : null;
  }

  /** Since the start: lines that were not written, because stdout was full or broken. */
  get droppedLines(): number {
    return this.dropped;
  }

  /** Writes a line, after those that wait, in this pass of the event loop. */
  write(line: string): void {
    if (this.append(line)) this.immediate ??= setImmediate(() => this.writeBatch());
  }

  /** Writes a line within 50 ms: waking the reader of a pipe for each costs more than to serve a request. */
  writeSoon(line: string): void {
    if (!this.append(line)) return;
    if (this.batch.length >= BATCH_CHARACTERS) this.immediate ??= setImmediate(() => this.writeBatch());
    else this.timer ??= setTimeout(() => this.writeBatch(), BATCH_MS).unref();
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

  /** False where there is nothing to write later. */
  private append(line: string): boolean {
    if (this.terminal) {
      this.terminal.write(line);
      return false;
    }
    if (!this.isOpen) this.open();
    if (this.isStream && process.stdout.writableLength + this.batch.length > BUFFER_LIMIT) {
      this.dropped++;
      return false;
    }
    this.batch += line;
    this.batchLines++;
    return true;
  }

  private writeBatch(): void {
    clearImmediate(this.immediate);
    clearTimeout(this.timer);
    this.immediate = undefined;
    this.timer = undefined;
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
