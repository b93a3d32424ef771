import type { Socket } from 'node:net';
import pg from 'pg';

/**
 * A PostgreSQL connection that ends no process when it is lost, and that is closed when the server does not answer in
 * time. Left open, it would go back to the pool with the statement still to be run, and what was queued behind it, a
 * ROLLBACK for one, never sent: once the server goes on, other requests' writes would be answered inside a transaction
 * that nobody commits.
 */
export class TimeoutAwareClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // Between the pool, which lets go of a new connection, and TypeORM, which takes it, nobody listens. A server that ends
    // the connection in this moment would end the process. Whoever uses the connection next is told.
    this.on('error', () => {});
  }

  // The signatures of `query` are many; TypeORM uses the one that answers a promise.
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
