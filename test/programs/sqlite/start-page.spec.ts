import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createTestApp, TEST_SECRET } from '../../support/app/app.js';
import { expectProblem } from '../../support/http/problems.js';
import { programFolder } from '../../support/programs/program-folder.js';

const folder = programFolder();
const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };

describe.runIf(process.platform === 'linux')('npm start on a terminal', { timeout: 60_000 }, () => {
  it('ends with the URLs as plain lines', async () => {
    const command = `exec ${process.execPath} ${resolve('dist/src/main.js')}`;
    const env = { PATH: process.env['PATH'], APP_SECRET: TEST_SECRET, PORT: '0', RATE_LIMITS: 'off' };
    // A pseudo-terminal, by util-linux.
    const program = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder.path, env });
    const closed = once(program, 'close');
    let output = '';
    program.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
    await vi.waitFor(() => expect(output).toMatch(/Mail: [^\n]+\n/), 30_000);
    const lines = output.trimEnd().split('\r\n').slice(-4);
    program.kill('SIGTERM');
    await closed;
    expect(lines).toEqual([
      expect.stringMatching(/^Latchkey is running at http:\/\/127\.0\.0\.1:\d+ \(SQLite: data\/latchkey\.sqlite\)$/),
      expect.stringMatching(/^Swagger UI: http:\/\/127\.0\.0\.1:\d+\/docs$/),
      expect.stringMatching(/^Demo: http:\/\/127\.0\.0\.1:\d+\/demo /),
      expect.stringMatching(/^Mail: http:\/\/127\.0\.0\.1:\d+\/dev\/mail /),
    ]);
  });
});

describe('GET /', () => {
  it('links to the documentation, the demo and the health check, and each link works', async () => {
    const test = await createTestApp();
    const { status, body } = await test.http.get<Record<string, string>>('/');
    const { name, ...links } = body;
    const statuses = await Promise.all(Object.values(links).map(async (path) => (await test.http.get(path)).status));
    await test.close();
    expect([status, name, Object.keys(links)]).toEqual([200, 'Latchkey', ['docs', 'openapi', 'demo', 'health']]);
    expect(statuses).toEqual([200, 200, 200, 200]);
  });

  it('names no documentation with SWAGGER=off', async () => {
    const test = await createTestApp({ env: { SWAGGER: 'off' } });
    const { body } = await test.http.get('/');
    await test.close();
    expect(body).toEqual({ name: 'Latchkey', demo: '/demo', health: '/health/ready' });
  });

  it('is not found in production', async () => {
    const test = await createTestApp({ env: PRODUCTION });
    const response = await test.http.get('/');
    await test.close();
    expectProblem(response, 404, 'not_found');
  });
});
