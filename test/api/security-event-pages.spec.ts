import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecurityEvents } from '../../src/audit/security-events.js';
import { Database } from '../../src/database/database.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { expectProblem, expectRefused, fieldsOf } from '../support/http/problems.js';
import { claimsOf, login, register } from '../support/app/users.js';
import { storedEvents } from '../support/database/security-events.js';

const ROUTE = 'GET /users/me/security-events';
const PATH = '/users/me/security-events';

describe('GET /users/me/security-events', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const signUp = async () => {
    const { email, tokens } = await register(test.http);
    return { email, tokens, token: tokens.access_token, userId: claimsOf(tokens.access_token)['sub'] as string };
  };
  const add = (userId: string, count: number) => {
    const events = Array.from({ length: count }, () => ({ type: 'sign_in' as const, userId }));
    return test.app.get(SecurityEvents).recordAll(events, test.app.get(Database));
  };
  const page = async (token: string, query = '') => {
    const { status, body } = await test.http.get<{ items: { id: string }[]; next: string | null }>(PATH + query, {
      token,
    });
    expect(status).toBe(200);
    return body;
  };

  it('lists what happened, newest first, with the current session marked', async () => {
    const { email, tokens, token } = await signUp();
    const other = await login(test.http, email);
    const response = await test.http.get(PATH, { token, headers: { 'user-agent': 'x' } });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.body).toEqual({
      items: [
        ['new_device', other.session_id, false],
        ['sign_in', other.session_id, false],
        ['sign_in', tokens.session_id, true],
        ['registered', tokens.session_id, true],
      ].map(([type, sessionId, current]) => ({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        type,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        sessionId,
        ip: '127.0.0.1',
        userAgent: 'node',
        details: {},
        current,
      })),
      next: null,
    });
  });

  it('shows events of the caller only', async () => {
    const [ada, eve] = [await signUp(), await signUp()];
    await add(eve.userId, 5);
    const own = (await storedEvents(test, ada.userId)).map(({ id }) => id);
    expect((await page(ada.token)).items.map(({ id }) => id)).toEqual(own.toReversed());
  });

  it('has pages of 20, or of 1 to 100', async () => {
    const { userId, token } = await signUp();
    await add(userId, 100);
    expect((await page(token)).items).toHaveLength(20);
    for (const limit of [1, 7, 100]) expect((await page(token, `?limit=${limit}`)).items).toHaveLength(limit);
  });

  it.each([1, 13, 100])('walks 250 events in pages of %i, each once, while new ones arrive', async (limit) => {
    const { userId, token } = await signUp();
    await add(userId, 248);
    const expected = (await storedEvents(test, userId)).map(({ id }) => id).toReversed();
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const { items, next: following }: Awaited<ReturnType<typeof page>> = await page(
        token,
        `?limit=${limit}${next && `&cursor=${next}`}`,
      );
      seen.push(...items.map(({ id }) => id));
      next = following;
      await add(userId, 1);
    }
    expect(seen).toEqual(expected);
    expect(seen).toHaveLength(250);
  });

  it('has no next page where the last one is full', async () => {
    const { token } = await signUp();
    const first = await page(token, '?limit=1');
    expect((await page(token, `?limit=1&cursor=${first.next}`)).next).toBeNull();
    expect((await page(token, '?limit=2')).next).toBeNull();
  });

  // Ory GHSA-r9w3-57w2-gch2: SQL through page cursors.
  it('refuses a cursor that was modified, or that another user received', async () => {
    const [ada, eve] = [await signUp(), await signUp()];
    const cursor = (await page(ada.token, '?limit=1')).next!;
    const id = (await page(ada.token, '?limit=1')).items[0]!.id;
    const flipped = (cursor.startsWith('A') ? 'B' : 'A') + cursor.slice(1);
    const sql = Buffer.from(`'; DELETE FROM users; --`.padEnd(32)).toString('base64url');
    const forged = [flipped, cursor.slice(0, -1), `${cursor}A`, `${cursor}%3D`, id, '', "'%20OR%20'1'='1", sql, '%00'];
    for (const text of forged) {
      const options = { token: ada.token };
      const problem = await expectRefused(test, `${ROUTE}?cursor=${text}`, options, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual(['cursor']);
    }
    const stolen = await expectRefused(
      test,
      `${ROUTE}?cursor=${cursor}`,
      { token: eve.token },
      400,
      'validation_failed',
    );
    expect(fieldsOf(stolen)).toEqual(['cursor']);
    expect((await page(ada.token, `?limit=1&cursor=${cursor}`)).items).toHaveLength(1);
  });

  it.each(['0', '101', '-1', '1.5', 'x', '1e1', '0x10', '', '%2010', '99999999999'])(
    'refuses the limit %j',
    async (limit) => {
      const { token } = await signUp();
      const response = await test.http.get(`${PATH}?limit=${limit}`, { token });
      expect(fieldsOf(expectProblem(response, 400, 'validation_failed'))).toEqual(['limit']);
    },
  );

  it('refuses unknown and repeated parameters, and callers without a token', async () => {
    const { token } = await signUp();
    expectProblem(await test.http.get(`${PATH}?offset=1`, { token }), 400, 'validation_failed');
    expectProblem(await test.http.get(`${PATH}?limit=1&limit=2`, { token }), 400, 'repeated_parameter');
    expectProblem(await test.http.get(PATH), 401, 'access_token_missing');
  });
});
