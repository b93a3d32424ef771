import jwt from 'jsonwebtoken';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { TeamModule } from '../../support/app/team-module.js';
import { login, PASSWORD, register } from '../../support/app/users.js';

describe('a verified access token in the cache', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp({ imports: [TeamModule] });
  });
  afterAll(() => test.close());
  afterEach(() => vi.restoreAllMocks());

  const whoami = (token: string) => test.http.get('/auth/whoami', { token });

  it('is not verified again', async () => {
    const { tokens } = await register(test.http);
    const verify = vi.spyOn(jwt, 'verify');
    for (let i = 0; i < 3; i++) expect((await whoami(tokens.access_token)).status).toBe(200);
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it('is refused after its session is revoked', async () => {
    const { tokens } = await register(test.http);
    expect((await whoami(tokens.access_token)).status).toBe(200);
    await test.http.post('/auth/logout', { token: tokens.access_token });
    expect((await whoami(tokens.access_token)).body.code).toBe('session_revoked');
  });

  it('is refused after a change of password', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    expect((await whoami(other.access_token)).status).toBe(200);
    const json = { currentPassword: PASSWORD, newPassword: 'quite another passphrase' };
    await test.http.post('/auth/password', { token: tokens.access_token, json });
    expect((await whoami(other.access_token)).body.code).toBe('session_revoked');
  });

  it('is refused after it has expired', async () => {
    const { tokens } = await register(test.http);
    expect((await whoami(tokens.access_token)).status).toBe(200);
    test.clock.move('15m');
    expect((await whoami(tokens.access_token)).body.code).toBe('access_token_expired');
  });

  it('is immutable: no handler can change the caller’s identity for later requests', async () => {
    const { tokens } = await register(test.http);
    const { status } = await test.http.post('/team/promote-me', { token: tokens.access_token });
    expect(status).toBe(500);
    expect((await whoami(tokens.access_token)).body.roles).toEqual([]);
  });

  it('is not found for another encoding of the same token', async () => {
    const { tokens } = await register(test.http);
    expect((await whoami(tokens.access_token)).status).toBe(200);
    for (const other of [`${tokens.access_token}=`, tokens.access_token.slice(0, -1), ` ${tokens.access_token} x`]) {
      expect((await whoami(other)).body.code).toBe('access_token_invalid');
    }
  });
});
