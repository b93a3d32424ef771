import { describe, expect, inject, it } from 'vitest';
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

  it('retries while the database is starting, without logging its password', async () => {
    const program = run({ DATABASE_URL: 'postgres://latchkey:hunter2@127.0.0.1:1/latchkey' });
    await program.prints(/The database is not reachable yet/);
    expect(await program.end('SIGTERM')).not.toBe(0);
    expect(program.stdout() + program.stderr()).not.toContain('hunter2');
  });
});
