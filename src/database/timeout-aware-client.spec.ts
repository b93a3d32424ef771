import { createServer, type Server } from 'node:net';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseProblem } from './database-errors.js';
import { TimeoutAwareClient } from './timeout-aware-client.js';

/** A message of PostgreSQL's protocol: kind, length and content. */
function message(kind: string, content: Buffer): Buffer {
  const head = Buffer.alloc(5, kind, 'latin1');
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const TERMINATED = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

describe('a connection that the server terminates when it is ready', () => {
  let server: Server;
  let pool: pg.Pool;
  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, TERMINATED])));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    pool = new pg.Pool({ host: '127.0.0.1', port, user: 'x', database: 'x', Client: TimeoutAwareClient as never });
    pool.on('error', () => {});
  });
  afterEach(async () => {
    await pool.end();
    await new Promise((closed) => server.close(closed));
  });

  it('fails its next query, and does not crash the process', async () => {
    const client = await pool.connect();
    const error = await client.query('SELECT 1').catch((error: unknown) => error);
    client.release();
    expect(databaseProblem(error), String(error)).toMatchObject({ code: 'database_unavailable' });
  });
});
