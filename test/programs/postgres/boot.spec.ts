import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, inject, it } from 'vitest';
import { throwawayDatabase } from '../../support/database/database.js';
import { programFolder } from '../../support/programs/program-folder.js';

const { run, failureOf } = programFolder();

describe('a start on PostgreSQL', { timeout: 60_000 }, () => {
  it.each(['postgres:hunter2@', 'nobody:hunter2@', 'postgres:postgres@'])(
    'names DATABASE_URL when the database refuses %s',
    async (who) => {
      const url = inject('postgres').replace('postgres:postgres@', who);
      expect(await failureOf({ DATABASE_URL: `${url}/no_such_database` })).toContain('DATABASE_URL');
    },
  );

  it('with workers explains a mistake once, and exits with the code of the worker', async () => {
    const refused = inject('postgres').replace('postgres:postgres@', 'postgres:hunter2@');
    const complaint = await failureOf({ DATABASE_URL: `${refused}/no_such_database`, WORKERS: '3' });
    expect(complaint.match(/DATABASE_URL/g)).toHaveLength(1);
  });

  it('with workers names the port in use', async () => {
    const database = await throwawayDatabase();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const complaint = await failureOf({ PORT: String(port), DATABASE_URL: database.url, WORKERS: '2' });
    expect(complaint).toMatch(new RegExp(`${port}.*Set PORT to another`));
    other.close();
    await database.drop();
  });

  it('retries while the database is starting, without logging its password', async () => {
    const program = run({ DATABASE_URL: 'postgres://latchkey:hunter2@127.0.0.1:1/latchkey' });
    await program.prints(/The database is not reachable yet/);
    expect(await program.end('SIGTERM')).not.toBe(0);
    expect(program.stdout() + program.stderr()).not.toContain('hunter2');
  });
});
