import { describe, expect, it } from 'vitest';
import type { Activity } from './activity.js';
import { LATER, REFRESH, signedIn } from './testing/signed-in.js';

/** Tabs that record the activities of their client. */
async function watched(tabs: number) {
  const seen: Activity[][] = [];
  const fixture = await signedIn({
    tabs,
    client: {
      get onActivity() {
        const own: Activity[] = [];
        seen.push(own);
        return (activity: Activity) => void own.push(activity);
      },
    },
  });
  const types = () => seen.map((own) => own.map((activity) => activity.type));
  return { ...fixture, seen, types };
}

describe('onActivity', () => {
  it('reports each access token with its lifetime, generation and origin', async () => {
    const { seen } = await watched(2);
    expect(seen).toEqual([
      [{ type: 'token', from: 'server', expiresIn: 900, generation: 1 }],
      [{ type: 'token', from: 'tab', expiresIn: 900, generation: 1 }],
    ]);
  });

  it('reports that another tab refreshed first', async () => {
    const { world, tabs, types } = await watched(2);
    await world.pass(LATER);
    await world.until(Promise.all(tabs.map((tab) => tab.client.fetch('/me'))));
    expect(types()).toEqual([
      ['token', 'token'],
      ['token', 'token', 'waited'],
    ]);
  });

  it('reports a call that was sent again', async () => {
    const { browser, world, tab, seen } = await watched(1);
    browser.sleep(LATER);
    await world.until(tab.client.fetch('/me'));
    expect(seen[0]!.at(-1)).toEqual({ type: 'resent', url: 'https://auth.example.com/me' });
  });

  it('reports transient failures of a refresh, and no terminal error', async () => {
    const { browser, world, tab, server, session, types } = await watched(1);
    await world.pass(LATER);
    browser.network = (route) => ({ there: 5, back: 5, refused: route === REFRESH });
    await world.until(tab.client.fetch('/me')).catch(() => undefined);
    const told = types()[0]!;
    expect(new Set(told.slice(1))).toEqual(new Set(['retry']));
    browser.network = () => ({ there: 5, back: 5 });
    server.revoke(session.id, 'ended_by_user');
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me')).catch(() => undefined);
    expect(types()[0]).toEqual(told);
  });

  it('reports no token', async () => {
    const { browser, world, tab, seen } = await watched(1);
    browser.sleep(LATER);
    await world.until(tab.client.fetch('/me'));
    expect(JSON.stringify(seen)).not.toMatch(/e30\./);
  });
});
