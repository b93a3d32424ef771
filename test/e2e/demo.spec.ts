import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.js';

const PATHS = ['/demo', '/demo/', '/demo/index.html', '/demo/index.js', '/demo/index.css'];
const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };

describe('the demo', () => {
  it.each<[string, Record<string, string>]>([
    ['in production', PRODUCTION],
    ['in production with SWAGGER=on', { ...PRODUCTION, SWAGGER: 'on' }],
  ])('is not there %s', async (_, env) => {
    const test = await createTestApp({ env });
    const answers = await Promise.all(PATHS.map((path) => test.http.get(path)));
    await test.close();
    expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual(PATHS.map(() => '404 not_found'));
  });

  describe('elsewhere', () => {
    let test: TestApp;
    beforeAll(async () => {
      test = await createTestApp();
    });
    afterAll(() => test.close());

    it('is there, and nothing else of the project is', async () => {
      const found = await Promise.all(PATHS.map((path) => test.http.get(path)));
      expect(found.map(({ status }) => status)).toEqual(PATHS.map(() => 200));
      const none = ['/demo/src/main.ts', '/demo/vite.config.ts', '/demo/../package.json', '/demo/%2e%2e/package.json'];
      const answers = await Promise.all(none.map((path) => test.http.get(path)));
      expect(answers.map(({ status }) => status)).toEqual(none.map(() => 404));
    });

    it('may run its own files and speak to its own server, and nothing else', async () => {
      const policy = (await test.http.get('/demo')).headers.get('content-security-policy')!;
      expect(policy.split(';').sort()).toEqual(
        [
          "base-uri 'none'",
          "connect-src 'self'",
          "default-src 'none'",
          "form-action 'none'",
          "frame-ancestors 'none'",
          'img-src data:',
          "require-trusted-types-for 'script'",
          "script-src 'self'",
          "style-src 'self'",
        ].sort(),
      );
    });
  });
});
