import { describe, expect, it } from 'vitest';
import { clientOn } from './client.js';
import { browser } from './platform.js';
import { FakeServer } from './testing/fake-server.js';
import { ADA, GRACE } from './testing/signed-in.js';
import { World } from './testing/world.js';
import { memoryStore, type TokenStore } from './token-store.js';

/** A client whose store outlives its sessions. */
function connected(store: TokenStore, delivery: 'body' | 'cookie' = 'body') {
  const server = new FakeServer(new World());
  const cookies = new Map<string, string>();
  const fetch = async (input: unknown, { method = 'GET', body }: RequestInit = {}) => {
    const route = `${method} ${new URL(String(input)).pathname}`;
    return server.handle({ route, token: null, body: JSON.parse(String(body)), cookies }).response;
  };
  const options = { baseUrl: 'https://auth.example.com', delivery, store };
  const client = clientOn({ ...browser, fetch: fetch as never }, options);
  const sent = () => server.calls.filter(({ route }) => route === 'POST /auth/login').map(({ body }) => body);
  return { client, server, sent };
}

describe('a device token', () => {
  it('is kept over a sign-out, and sent with the next sign-in to the account', async () => {
    const { client, sent } = connected(memoryStore());
    await client.register(GRACE);
    await client.logout();
    await client.login(GRACE);
    await client.logout();
    await client.login(GRACE);
    expect(sent()).toMatchObject([{ device_token: 'device of grace 3' }, { device_token: 'device of grace 6' }]);
    client.close();
  });

  it('is not sent with a registration, which knows no such field', async () => {
    const { client, server } = connected(memoryStore());
    await client.login(GRACE);
    await client.register(GRACE);
    expect(server.calls.at(-1)!.body).not.toHaveProperty('device_token');
    client.close();
  });

  it('is kept for five accounts at most, under names that do not tell the address', async () => {
    const kept = new Map<string, string>();
    const store = {
      keyed: true,
      read: (name: string) => kept.get(name) ?? null,
      write: (text: string, name: string) => void kept.set(name, text),
      clear: (name: string) => void kept.delete(name),
    };
    const { client } = connected(store);
    for (let length = 1; length < 20; length += 1) await client.login({ email: 'x'.repeat(length), password: 'good' });
    const names = [...kept.keys()].filter((name) => name !== 'https://auth.example.com/');
    expect(names).toHaveLength(5);
    expect(names.join()).not.toContain('x ');
    client.close();
  });

  it('is not kept by a store that has one text for all names', async () => {
    let text: string | null = null;
    const store = { read: () => text, write: (next: string) => void (text = next), clear: () => void (text = null) };
    const { client, sent } = connected(store);
    await client.login(GRACE);
    await client.login(ADA);
    expect(await client.session()).toMatchObject({ userId: 'ada' });
    expect(sent().map((body) => body?.['device_token'])).toEqual([undefined, undefined]);
    client.close();
  });

  it('stays in its cookie in cookie delivery', async () => {
    const { client, sent } = connected(memoryStore(), 'cookie');
    await client.login(GRACE);
    await client.login(GRACE);
    expect(sent()[1]).not.toHaveProperty('device_token');
    client.close();
  });
});
