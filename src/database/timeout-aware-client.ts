import type { Socket } from 'node:net';
import pg from 'pg';

/**
 * A PostgreSQL connection that does not end the process when it is lost, and that closes when a statement times out. If it
 * stayed open, it would go back to the pool with that statement still pending, and a ROLLBACK behind it never sent: when
 * the server resumes, writes of other requests would run inside a transaction that is never committed.
 */
export class TimeoutAwareClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // Between the pool, which returns a new connection, and TypeORM, which takes it, there is no listener: an error in that
    // moment would end the process. The next statement on the connection fails anyway.
    this.on('error', () => {});
  }

  // `query` has many signatures. TypeORM uses the one that returns a promise.
  override query(...parameters: unknown[]): never {
    const result: unknown = super.query(...(parameters as [never]));
    if (result instanceof Promise) result.catch((error: unknown) => this.closeIfTimedOut(error));
    return result as never;
  }

  private closeIfTimedOut(error: unknown): void {
    if (!(error instanceof Error) || error.message !== 'Query read timeout') return;
    (this as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
  }
}
