import type { Readable } from 'node:stream';
import { wholeLines } from './whole-lines.js';

/**
 * Passes on what workers write to stdout, where that is a pipe: line by line, and no faster than it is read. Where nobody
 * reads it, the workers notice: they drop and count their lines. A file or a terminal takes each write as a whole, so
 * workers write to it themselves.
 */
export class WorkerOutput {
  private readonly open = new Set<Readable>();
  private isBroken = false;

  constructor() {
    // Each worker adds listeners.
    process.stdout.setMaxListeners(0);
    // The reader may go away (EPIPE): the server lives on.
    process.stdout.on('error', () => {
      this.isBroken = true;
      for (const stdout of this.open) stdout.destroy();
    });
  }

  passOn(stdout: Readable | null): void {
    if (!stdout) return;
    if (this.isBroken) return void stdout.destroy();
    this.open.add(stdout);
    stdout.once('close', () => this.open.delete(stdout));
    // Without an end of its own, stdout stays open for the others.
    stdout.pipe(wholeLines()).pipe(process.stdout, { end: false });
  }

  /** Resolves when everything that was written is passed on. */
  async ended(): Promise<void> {
    await Promise.all([...this.open].map((stdout) => new Promise((resolve) => stdout.once('close', resolve))));
  }
}
