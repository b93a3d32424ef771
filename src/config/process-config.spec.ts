import { afterEach, describe, expect, it, vi } from 'vitest';
import { EXIT_CONFIG, readConfigOrExit } from './process-config.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('readConfigOrExit', () => {
  it('exits with 78 and names every mistake on stderr', () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('NODE_ENV', 'production');
    vi.stubEnv('PORT', 'http');
    vi.stubEnv('APP_SECRET', '');
    expect(() => readConfigOrExit({ createsSecret: true })).toThrow(`exit ${EXIT_CONFIG}`);
    expect(exit).toHaveBeenCalledOnce();
    expect(stderr.mock.calls.join()).toMatch(/ PORT must be [^]* APP_SECRET must be /);
  });
});
