import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHALLENGE_HEADER, solveChallenge } from '../../../client/src/challenge.js';
import type { TestApp } from '../../support/app/app.js';
import { challengingApp, expectChallenge } from '../../support/app/challenges.js';
import { PASSWORD, someEmail } from '../../support/app/users.js';

const ORIGIN = 'https://app.example.com';

/** The database makes no difference here. */
describe('the challenge of a server', { timeout: 60_000 }, () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await challengingApp({ CORS_ORIGINS: ORIGIN, RATE_LIMIT_OVERRIDES: 'register-address=12/1h' });
  });
  afterAll(() => test.close());

  it('is solved by the client, and its solution is accepted', async () => {
    const json = { email: someEmail(), password: PASSWORD };
    for (let i = 0; i < 3; i++) await test.http.post('/auth/register', { json: {} });
    const refused = await test.http.post('/auth/register', { json });
    expectChallenge(refused);
    const header = await solveChallenge(refused.body as { challenge?: unknown });
    const headers = { [CHALLENGE_HEADER]: header };
    expect((await test.http.post('/auth/register', { json, headers })).status).toBe(201);
    expectChallenge(await test.http.post('/auth/register', { json, headers }));
  });

  it('may be sent solved by pages of CORS_ORIGINS', async () => {
    const { headers } = await test.http.send('OPTIONS', '/auth/register', {
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,latchkey-challenge',
      },
    });
    expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain(CHALLENGE_HEADER.toLowerCase());
  });
});
