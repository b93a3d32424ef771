import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { register } from '../../support/app/users.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { sql } from '../../support/database/sql.js';

describe('a server on SQLite', { timeout: 60_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  beforeAll(async () => {
    database = await throwawayDatabase();
    server = await startServer({ DATABASE_URL: database.url });
  });
  afterAll(async () => {
    await server.stop('SIGKILL');
    await database.drop();
  });

  it('notices a revocation that a command-line tool has written', async () => {
    const { tokens } = await register(server.http);
    const outcome = async () => (await server.http.get('/auth/whoami', { token: tokens.access_token })).status;
    expect(await outcome()).toBe(200);
    const until = Date.now() + 900_000;
    await sql(database.url, `INSERT INTO revocations VALUES ('session:${tokens.session_id}', 0, ${until})`);
    await expect.poll(outcome, { timeout: 15_000 }).toBe(401);
  });

  it('prevents a second server on its file, until it is stopped or killed', async () => {
    const file = database.url.slice('sqlite:'.length);
    symlinkSync(file, `${file}.link`);
    for (const url of [database.url, `sqlite:${file}.link`]) {
      const second = startServer({ DATABASE_URL: url });
      await expect(second).rejects.toThrow(/exited with 78:[^]*another server runs on [^]*PostgreSQL/);
    }
    await server.stop('SIGKILL');
    server = await startServer({ DATABASE_URL: database.url });
    expect(await server.stop()).toBe(0);
  });
});
