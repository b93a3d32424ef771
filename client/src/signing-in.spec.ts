import { describe, expect, it } from 'vitest';
import { LatchkeyError } from './latchkey-error.js';
import { FakeBrowser } from './testing/fake-browser.js';
import { ADA, failure, GRACE, REFRESH, signedIn } from './testing/signed-in.js';

describe('signing in', () => {
  it('in one tab signs in all that share its storage', async () => {
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

  it('as somebody else is noticed by the other tabs', async () => {
    const { world, tab, other } = await signedIn({ tabs: 2 });
    const session = await world.until(tab.client.login(ADA));
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session, type: 'user_changed' }],
      [{ session, type: 'user_changed' }],
    ]);
  });

  it('survives a reload, and a page that loads is no change', async () => {
    const { browser, world, tab, session } = await signedIn();
    tab.kill();
    const reloaded = browser.openTab();
    expect((await world.until(reloaded.client.fetch('/me'))).status).toBe(200);
    expect([await world.until(reloaded.client.session()), reloaded.changes]).toEqual([session, []]);
  });

  it('that is refused says why, and leaves whoever is signed in', async () => {
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

  it('waits for the address to be verified where the server wants that', async () => {
    const browser = new FakeBrowser();
    const account = { email: 'grace', password: 'to be verified' };
    expect(await browser.world.until(browser.openTab().client.register(account))).toBeNull();
  });

  it('goes on in a new session after a change of password', async () => {
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

  it('is told once to a listener that listens anew each time', async () => {
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

  it('is not undone by the mistake of a listener', async () => {
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
