import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TEST_SECRET } from '../../support/app/app.js';
import { trackedApi } from '../../support/http/documented.js';
import { freePort } from '../../support/programs/free-port.js';
import { Http } from '../../support/http/http.js';
import { OpenSockets, sendPipelined, toRequest } from '../../support/http/open-sockets.js';

const CONNECTIONS = 8;
/** About 2.5 MB of log lines: more than the server and the system buffer. */
const REQUESTS = 10_000;

describe('a server whose log is under back-pressure', { timeout: 120_000 }, () => {
  let folder: string;
  let http: Http;
  let server: ChildProcess;
  let exited: Promise<number | NodeJS.Signals | null>;
  const sockets = new OpenSockets();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-log-'));
  });
  afterEach(async () => {
    sockets.destroy();
    server.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Without the helpers of other tests: they read stdout. */
  async function start(stdout: 'pipe' | number): Promise<void> {
    const port = await freePort();
    server = spawn(process.execPath, [resolve('dist/src/main.js')], {
      cwd: folder,
      env: { HOME: folder, APP_SECRET: TEST_SECRET, PORT: String(port), SHUTDOWN_DEADLINE: '5s', RATE_LIMITS: 'off' },
      stdio: ['ignore', stdout, 'ignore'],
    });
    exited = new Promise((done) => server.on('exit', (code, signal) => done(code ?? signal)));
    http = new Http(`http://127.0.0.1:${port}`, trackedApi());
    await expect.poll(isHealthy, { timeout: 30_000 }).toBe(true);
  }

  const isHealthy = () =>
    http.get('/health/live').then(
      ({ status }) => status === 200,
      () => false,
    );

  async function sendManyRequests(): Promise<number> {
    const request = toRequest('GET', '/health/live');
    const opened = await Promise.all(Array.from({ length: CONNECTIONS }, () => sockets.open(http.url)));
    const all = opened.map((socket) => sendPipelined(socket, request, REQUESTS / CONNECTIONS));
    return (await Promise.all(all)).flat().filter((status) => status === 200).length;
  }

  async function droppedLines(): Promise<number> {
    const { body } = await http.get<string>('/metrics');
    return Number(/^latchkey_log_lines_dropped_total (\d+)$/m.exec(body)?.[1]);
  }

  async function stop(): Promise<number | NodeJS.Signals | null> {
    server.kill('SIGTERM');
    return exited;
  }

  /** A pipe that is full sooner or later: the test has it open for reading, and reads only when it wants to. */
  function makePipe(): { writeEnd: number; readEnd: number } {
    const path = join(folder, 'stdout');
    execFileSync('mkfifo', [path]);
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { writeEnd: openSync(path, constants.O_WRONLY), readEnd };
  }

  function expectWholeLines(log: string): { msg: string }[] {
    expect(log.endsWith('\n')).toBe(true);
    return log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
  }

  it('serves, counts dropped lines and exits by its deadline, when nobody reads a pipe', async () => {
    const { writeEnd, readEnd } = makePipe();
    await start(writeEnd);
    closeSync(writeEnd);
    expect(await sendManyRequests()).toBe(REQUESTS);
    expect(await isHealthy()).toBe(true);
    expect(await droppedLines()).toBeGreaterThan(0);
    expect([0, 1]).toContain(await stop());
    closeSync(readEnd);
  });

  it('serves, counts dropped lines and exits by its deadline with an unread socket', async () => {
    await start('pipe');
    expect(await sendManyRequests()).toBe(REQUESTS);
    expect(await isHealthy()).toBe(true);
    expect(await droppedLines()).toBeGreaterThan(0);
    expect([0, 1]).toContain(await stop());
  });

  it('writes whole lines, up to the last one, once somebody reads them', async () => {
    await start('pipe');
    await sendManyRequests();
    const dropped = await droppedLines();
    const log = text(server.stdout as Readable);
    expect(await stop()).toBe(0);
    const lines = expectWholeLines(await log);
    const requests = lines.filter(({ msg }) => msg === 'request').length;
    expect(requests + dropped).toBeGreaterThan(REQUESTS);
    expect(lines.at(-1)?.msg).toBe('Stopped');
  });

  it('keeps serving when the reader of its log goes away', async () => {
    const { writeEnd, readEnd } = makePipe();
    await start(writeEnd);
    closeSync(writeEnd);
    closeSync(readEnd);
    expect(await sendManyRequests()).toBe(REQUESTS);
    expect(await droppedLines()).toBeGreaterThan(REQUESTS - 1000);
    expect(await stop()).toBe(0);
  });

  it('writes every line to a file', async () => {
    const path = join(folder, 'log');
    const file = openSync(path, 'w');
    await start(file);
    closeSync(file);
    await sendManyRequests();
    expect(await droppedLines()).toBe(0);
    expect(await stop()).toBe(0);
    const lines = expectWholeLines(readFileSync(path, 'utf8'));
    expect(lines.filter(({ msg }) => msg === 'request').length).toBeGreaterThan(REQUESTS);
    expect(lines.at(-1)?.msg).toBe('Stopped');
  });
});
