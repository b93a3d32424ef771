import { describe, expect, it } from 'vitest';
import { startServer } from '../../support/programs/server-process.js';

const FORWARDED = { headers: { 'x-forwarded-for': '192.0.2.1' } };

describe('a forwarded address', { timeout: 60_000 }, () => {
  it.each([
    ['warns once for the process, and names the setting, without TRUST_PROXY', {}, 1],
    ['is no warning with TRUST_PROXY', { TRUST_PROXY: 'loopback' }, 0],
  ])('%s', async (_, env, warnings) => {
    const server = await startServer(env);
    await server.http.get('/health/live');
    expect(server.output()).not.toContain('X-Forwarded-For');
    for (let i = 0; i < 3; i++) await server.http.get('/health/live', FORWARDED);
    await server.stop();
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes('X-Forwarded-For'));
    expect(lines).toHaveLength(warnings);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: 'warn', msg: expect.stringContaining('TRUST_PROXY') });
  });

  it('does not hide that RATE_LIMITS is off: the start says so', async () => {
    const off = await startServer({});
    const on = await startServer({ RATE_LIMITS: 'on' });
    await Promise.all([off.stop(), on.stop()]);
    expect(off.output()).toContain('RATE_LIMITS is off');
    expect(on.output()).not.toContain('RATE_LIMITS is off');
  });
});
