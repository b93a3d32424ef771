import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createTestApp, TEST_SECRET } from '../../support/app.js';
import { isPostgres, throwawayDatabase } from '../../support/database.js';
import { claimsOf, refresh, register } from '../../support/people.js';
import { runProgram, type Program } from '../../support/programs.js';

let folder: string;
let programs: Program[];
let umask: number;
beforeEach(() => {
  // File modes must not depend on the umask.
  umask = process.umask(0);
  folder = mkdtempSync(join(tmpdir(), 'latchkey-boot-'));
  programs = [];
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.end('SIGKILL')));
  rmSync(folder, { recursive: true });
  process.umask(umask);
});

function run(env: Record<string, string>): Program {
  const program = runProgram(folder, { BCRYPT_COST: '4', PORT: '0', ...env });
  programs.push(program);
  return program;
}

/** The error of a failed start: exit code 78, no stack trace, no secret. */
async function complaintOf(env: Record<string, string>): Promise<string> {
  const program = run(env);
  // A permanent error is not retried.
  void program.prints(/trying again/).then(
    () => program.end('SIGKILL'),
    () => {},
  );
  expect(await program.end()).toBe(78);
  expect(program.stdout() + program.stderr()).not.toMatch(/\n\s+at |\\n\s+at |node_modules|\.js:\d|hunter2/);
  return program.stderr();
}

const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);

describe('a start that cannot succeed', { timeout: 60_000 }, () => {
  it('reports all configuration errors at once, without secrets, and exits with 78', async () => {
    const complaint = await complaintOf({
      PORT: 'http',
      DATABASE_URL: 'mysql://root:hunter2@db/latchkey',
      APP_SECRET: 'hunter2',
      ACCESS_TOKEN_TTL: '15',
      REFRESH_LEEWAY: '5m',
      TRUST_PROXY: 'true',
      CORS_ORIGINS: '*',
    });
    const names = complaint.split('\n').map((line) => line.trim().split(' ')[0]);
    expect(names).toEqual(
      expect.arrayContaining(['PORT', 'DATABASE_URL', 'APP_SECRET', 'ACCESS_TOKEN_TTL', 'TRUST_PROXY', 'CORS_ORIGINS']),
    );
    expect(complaint).toContain('REFRESH_LEEWAY');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('requires APP_SECRET in production, and creates no file', async () => {
    const complaint = await complaintOf({
      NODE_ENV: 'production',
      BCRYPT_COST: '9',
      ISSUER: 'http://auth.example.com',
    });
    for (const name of ['APP_SECRET', 'BCRYPT_COST', 'ISSUER']) expect(complaint).toContain(`${name} must be`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(!isPostgres).each<[string, string, Record<string, string>]>([
    ['an unknown host', 'HOST', { HOST: 'no-such-host.invalid' }],
    ['an address of another machine', 'HOST', { HOST: '203.0.113.1' }],
    ['a database below a file', 'DATABASE_URL', { DATABASE_URL: 'sqlite:notes.txt/x.sqlite' }],
    ['a file that is not a database', 'DATABASE_URL', { DATABASE_URL: 'sqlite:notes.txt' }],
  ])('names the setting to correct: %s', async (_, name, env) => {
    writeFileSync(join(folder, 'notes.txt'), 'These are notes, not a database. '.repeat(100));
    expect(await complaintOf(env)).toContain(name);
  });

  it.runIf(!isPostgres)('names DATABASE_URL, and leaves a folder in its place unchanged', async () => {
    mkdirSync(join(folder, 'shared'), { mode: 0o755 });
    const complaint = await complaintOf({ DATABASE_URL: 'sqlite:shared' });
    expect(modeOf('shared')).toBe('755');
    expect(complaint).toContain('DATABASE_URL');
  });

  it.runIf(isPostgres).each(['postgres:hunter2@', 'nobody:hunter2@', 'postgres:postgres@'])(
    'names DATABASE_URL when the database refuses %s',
    async (who) => {
      const url = inject('postgres').replace('postgres:postgres@', who);
      expect(await complaintOf({ DATABASE_URL: `${url}/no_such_database` })).toContain('DATABASE_URL');
    },
  );

  it.runIf(isPostgres)('retries while the database is starting, without logging its password', async () => {
    const program = run({ DATABASE_URL: 'postgres://latchkey:hunter2@127.0.0.1:1/latchkey' });
    await program.prints(/The database does not answer yet/);
    expect(await program.end('SIGTERM')).not.toBe(0);
    expect(program.stdout() + program.stderr()).not.toContain('hunter2');
  });

  it('names the port in use', async () => {
    const database = await throwawayDatabase();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await complaintOf({ PORT: String(port), DATABASE_URL: database.url })).toMatch(
      new RegExp(`${port}.*Set PORT to another`),
    );
    other.close();
    await database.drop();
  });
});

describe.runIf(!isPostgres)('a first start on a developer’s machine', { timeout: 60_000 }, () => {
  it('creates a secret and a database, readable by their owner alone', async () => {
    const program = run({});
    const http = await program.listens();
    const { tokens } = await register(http);
    expect(program.stderr()).toContain('Created a secret: data/app-secret');
    expect(modeOf('data')).toBe('700');
    const files = readdirSync(join(folder, 'data')).sort();
    expect(files).toEqual(expect.arrayContaining(['app-secret', 'latchkey.sqlite', 'latchkey.sqlite-wal']));
    expect(files.map((name) => modeOf(join('data', name)))).toEqual(files.map(() => '600'));
    const secret = readFileSync(join(folder, 'data/app-secret'), 'utf8');
    expect(secret.trim()).toMatch(/^[\w-]{43,}$/);
    expect(program.stderr() + program.stdout()).not.toContain(secret.trim());

    expect(await program.end('SIGTERM')).toBe(0);
    const again = run({});
    expect((await refresh(await again.listens(), tokens.refresh_token)).status).toBe(200);
    expect(readFileSync(join(folder, 'data/app-secret'), 'utf8')).toBe(secret);
    expect(again.stderr()).toBe('');
  });

  it('removes the permissions of others from a database file', async () => {
    writeFileSync(join(folder, 'open.sqlite'), '', { mode: 0o644 });
    chmodSync(join(folder, 'open.sqlite'), 0o644);
    await register(await run({ DATABASE_URL: 'sqlite:open.sqlite' }).listens());
    for (const end of ['', '-wal', '-shm']) expect(modeOf(`open.sqlite${end}`)).toBe('600');
  });

  it('creates one secret when two processes start in parallel', async () => {
    // BCRYPT_COST stops both before they open the database: SQLite serves one process.
    const together = [run({ BCRYPT_COST: '3' }), run({ BCRYPT_COST: '3' })];
    expect(await Promise.all(together.map((program) => program.end()))).toEqual([78, 78]);
    const makers = together.filter((program) => program.stderr().includes('Created a secret'));
    expect(makers).toHaveLength(1);
    expect(readdirSync(join(folder, 'data'))).toEqual(['app-secret']);
  });
});

describe.runIf(!isPostgres)('.env', () => {
  it('is read; environment variables override it, except empty ones', async () => {
    const lines = [
      'CLIENT_ID=from-file',
      'ISSUER="http://localhost:4321"',
      'ACCESS_TOKEN_TTL=5m',
      `APP_SECRET=${TEST_SECRET}`,
    ];
    writeFileSync(join(folder, '.env'), lines.join('\n'));
    const program = run({ CLIENT_ID: 'from-environment', ACCESS_TOKEN_TTL: '', REFRESH_IDLE_TTL: '' });
    const { tokens } = await register(await program.listens());
    const { iss, client_id, iat, exp } = claimsOf(tokens.access_token);
    expect({ iss, client_id }).toEqual({ iss: 'http://localhost:4321', client_id: 'from-environment' });
    expect(tokens.refresh_expires_in).toBeGreaterThan(6 * 86_400);
    expect(program.stderr()).not.toContain('Created a secret');
    expect(exp - iat).toBe(300);
  });
});

describe('Swagger UI and its document', () => {
  const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };
  const PATHS = ['/docs', '/docs/', '/openapi.json', '/docs/swagger-ui.css', '/docs-json', '/docs-yaml'];

  it.each<[string, Record<string, string>]>([
    ['in production', PRODUCTION],
    ['with SWAGGER=off', { SWAGGER: 'off' }],
  ])('are disabled %s', async (_, env) => {
    const test = await createTestApp({ env });
    const responses = await Promise.all(PATHS.map((path) => test.http.get(path)));
    await test.close();
    expect(responses.map(({ status, body }) => `${status} ${body.code}`)).toEqual(PATHS.map(() => '404 not_found'));
  });

  it.each<[string, Record<string, string>]>([
    ['outside production', {}],
    ['in production with SWAGGER=on', { ...PRODUCTION, SWAGGER: 'on' }],
  ])('are enabled %s', async (_, env) => {
    const test = await createTestApp({ env });
    const [page, document] = [await test.http.get('/docs'), await test.http.get('/openapi.json')];
    await test.close();
    expect([page.status, document.status, document.body.openapi]).toEqual([200, 200, expect.stringMatching(/^3/)]);
  });
});
