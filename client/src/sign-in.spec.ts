import { describe, expect, it } from 'vitest';
import { LatchkeyError } from './latchkey-error.js';
import { FakeBrowser } from './testing/fake-browser.js';
import { ADA, failure, GRACE, REFRESH, signedIn } from './testing/signed-in.js';

describe('a sign-in', () => {
  it('signs in all tabs that share the storage', async () => {
    const browser = new FakeBrowser();
    const { world, server } = browser;
    const [tab, other] = [browser.openTab(), browser.openTab()];
    await world.pass(1);
    const session = await world.until(tab.client.register({ ...GRACE, name: 'Grace' }));
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([[{ session, type: 'signed_in' }], [{ session, type: 'signed_in' }]]);
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(0);
  });

  it('of another user is reported in the other tabs', async () => {
    const { world, tab, other } = await signedIn({ tabs: 2 });
    const session = await world.until(tab.client.login(ADA));
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session, type: 'user_changed' }],
      [{ session, type: 'user_changed' }],
    ]);
  });

  it('survives a reload, which is no change', async () => {
    const { browser, world, tab, session } = await signedIn();
    tab.kill();
    const reloaded = browser.openTab();
    expect((await world.until(reloaded.client.fetch('/me'))).status).toBe(200);
    expect([await world.until(reloaded.client.session()), reloaded.changes]).toEqual([session, []]);
  });

  it('that is refused rejects with the code, and keeps the session', async () => {
    const { world, tab, session } = await signedIn();
    const error = await failure(world.until(tab.client.login({ ...ADA, password: 'wrong' })));
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      status: 401,
      code: 'invalid_credentials',
      terminal: false,
      errors: [],
      requestId: expect.any(String),
    });
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('that is refused rejects with the title of the problem as message', async () => {
    const { world, server, tab } = await signedIn();
    const problem = { code: 'invalid_credentials', title: 'E-mail address or password is wrong.', terminal: false };
    const headers = { 'content-type': 'application/problem+json' };
    server.instead = () => Response.json(problem, { status: 401, headers });
    expect(await failure(world.until(tab.client.login(ADA)))).toMatchObject({ message: problem.title });
  });

  it('resolves with null when the address has to be verified first', async () => {
    const browser = new FakeBrowser();
    const account = { email: 'grace', password: 'to be verified' };
    expect(await browser.world.until(browser.openTab().client.register(account))).toBeNull();
  });

  it('is continued by a new session after a change of password', async () => {
    const { world, tab, other, session } = await signedIn({ tabs: 2 });
    const next = await world.until(tab.client.changePassword({ currentPassword: 'good', newPassword: 'better' }));
    expect(next.id).not.toBe(session.id);
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session: next, type: 'signed_in' }],
      [{ session: next, type: 'signed_in' }],
    ]);
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
  });

  it('is reported once to a listener that adds itself again', async () => {
    const { world, tab } = await signedIn();
    let told = 0;
    const listen = () => {
      const stop = tab.client.onChange(() => {
        stop();
        told += 1;
        if (told < 100) listen();
      });
    };
    listen();
    await world.until(tab.client.login(ADA));
    expect(told).toBe(1);
  });

  it('is not affected by exceptions of listeners', async () => {
    const thrown: unknown[] = [];
    const old = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => void thrown.push(error));
    const onActivity = () => {
      throw new Error('of the log');
    };
    const { world, tab } = await signedIn({ client: { onActivity } });
    thrown.length = 0;
    tab.client.onChange(() => {
      throw new Error('of the page');
    });
    await world.until(tab.client.login(ADA));
    await world.pass(1);
    process.removeAllListeners('uncaughtException');
    for (const listener of old) process.on('uncaughtException', listener);
    expect(thrown).toMatchObject([{ message: 'of the page' }, { message: 'of the log' }]);
    expect(await world.until(tab.client.session())).toMatchObject({ userId: 'ada' });
  });
});
