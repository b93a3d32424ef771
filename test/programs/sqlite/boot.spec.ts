import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestApp, TEST_SECRET } from '../../support/app/app.js';
import { throwawayDatabase } from '../../support/database/database.js';
import { expectProblem } from '../../support/http/problems.js';
import { claimsOf, refresh, register } from '../../support/app/users.js';
import { programFolder } from '../../support/programs/program-folder.js';

const folder = programFolder();
const { run, failureOf, modeOf } = folder;

describe('a start that cannot succeed', { timeout: 60_000 }, () => {
  it('reports all configuration errors at once, without secrets, and exits with 78', async () => {
    const complaint = await failureOf({
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
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('requires APP_SECRET in production, and creates no file', async () => {
    const complaint = await failureOf({
      NODE_ENV: 'production',
      BCRYPT_COST: '9',
      ISSUER: 'http://auth.example.com',
    });
    for (const name of ['APP_SECRET', 'BCRYPT_COST', 'ISSUER']) expect(complaint).toContain(`${name} must be`);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['an unknown host', 'HOST', { HOST: 'no-such-host.invalid' }],
    ['an address of another machine', 'HOST', { HOST: '203.0.113.1' }],
    ['a database below a file', 'DATABASE_URL', { DATABASE_URL: 'sqlite:notes.txt/x.sqlite' }],
    ['a file that is not a database', 'DATABASE_URL', { DATABASE_URL: 'sqlite:notes.txt' }],
  ])('names the setting to correct: %s', async (_, name, env) => {
    writeFileSync(join(folder.path, 'notes.txt'), 'These are notes, not a database. '.repeat(100));
    expect(await failureOf(env)).toContain(name);
  });

  it('names DATABASE_URL, and leaves a folder in its place unchanged', async () => {
    mkdirSync(join(folder.path, 'shared'), { mode: 0o755 });
    const complaint = await failureOf({ DATABASE_URL: 'sqlite:shared' });
    expect(modeOf('shared')).toBe('755');
    expect(complaint).toContain('DATABASE_URL');
  });

  it('says that SQLite has no workers, and what to do', async () => {
    expect(await failureOf({ APP_SECRET: TEST_SECRET, WORKERS: '2' })).toMatch(
      /WORKERS above 1 needs PostgreSQL .*WORKERS=1/,
    );
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('names the port in use', async () => {
    const database = await throwawayDatabase();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await failureOf({ PORT: String(port), DATABASE_URL: database.url })).toMatch(
      new RegExp(`${port}.*Set PORT to another`),
    );
    other.close();
    await database.drop();
  });
});

describe('a first start on a developer’s machine', { timeout: 60_000 }, () => {
  it('creates a secret and a database, readable only by their owner', async () => {
    const program = run({});
    const http = await program.listens();
    const { tokens } = await register(http);
    expect(program.stderr()).toContain('Created a secret: data/app-secret');
    expect(modeOf('data')).toBe('700');
    const files = readdirSync(join(folder.path, 'data')).sort();
    expect(files).toEqual(expect.arrayContaining(['app-secret', 'latchkey.sqlite', 'latchkey.sqlite-wal']));
    expect(files.map((name) => modeOf(join('data', name)))).toEqual(files.map(() => '600'));
    const secret = readFileSync(join(folder.path, 'data/app-secret'), 'utf8');
    expect(secret.trim()).toMatch(/^[\w-]{43,}$/);
    expect(program.stderr() + program.stdout()).not.toContain(secret.trim());

    expect(await program.end('SIGTERM')).toBe(0);
    const again = run({});
    expect((await refresh(await again.listens(), tokens.refresh_token)).status).toBe(200);
    expect(readFileSync(join(folder.path, 'data/app-secret'), 'utf8')).toBe(secret);
    expect(again.stderr()).toBe('');
  });

  it('removes the permissions of others from a database file', async () => {
    writeFileSync(join(folder.path, 'open.sqlite'), '', { mode: 0o644 });
    chmodSync(join(folder.path, 'open.sqlite'), 0o644);
    await register(await run({ DATABASE_URL: 'sqlite:open.sqlite' }).listens());
    for (const end of ['', '-wal', '-shm']) expect(modeOf(`open.sqlite${end}`)).toBe('600');
  });

  it('creates one secret when two processes start in parallel', async () => {
    // BCRYPT_COST stops both before they open the database: SQLite serves one process.
    const together = [run({ BCRYPT_COST: '3' }), run({ BCRYPT_COST: '3' })];
    expect(await Promise.all(together.map((program) => program.end()))).toEqual([78, 78]);
    const makers = together.filter((program) => program.stderr().includes('Created a secret'));
    expect(makers).toHaveLength(1);
    expect(readdirSync(join(folder.path, 'data'))).toEqual(['app-secret']);
  });
});

describe('.env', () => {
  it('is read; environment variables override it, except empty ones', async () => {
    const lines = [
      'CLIENT_ID=from-file',
      'ISSUER="http://localhost:4321"',
      'ACCESS_TOKEN_TTL=5m',
      `APP_SECRET=${TEST_SECRET}`,
    ];
    writeFileSync(join(folder.path, '.env'), lines.join('\n'));
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

  it('serve the files of the page, and nothing else of the package', async () => {
    const test = await createTestApp();
    const page = await (await fetch(`${test.http.url}/docs`)).text();
    const statusOf = async (file: string) => (await fetch(`${test.http.url}/docs/${file}`)).status;
    const used = [...page.matchAll(/(?:src|href)="\.\/docs\/([^"]+)"/g)].map((match) => match[1]!);
    expect(used.length).toBeGreaterThan(4);
    expect(await Promise.all(used.map(statusOf))).toEqual(used.map(() => 200));
    const others = readdirSync('node_modules/swagger-ui-dist').filter((file) => !used.includes(file));
    expect(others).toContain('package.json');
    for (const file of [...others, 'package%2ejson', 'nothing.js', 'docs/swagger-ui-bundle.js', '..%2fpackage.json']) {
      expectProblem(await test.http.get(`/docs/${file}`), 404, 'not_found');
    }
    await test.close();
  });
});
