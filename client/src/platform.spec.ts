import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientOn } from './client.js';
import { browser } from './platform.js';
import { FakeServer } from './testing/fake-server.js';
import { failure, GRACE } from './testing/signed-in.js';
import { World } from './testing/world.js';
import { localStorageStore, memoryStore } from './token-store.js';

afterEach(() => vi.unstubAllGlobals());

/** The real platform, as far as Node has one, with a server that is not far. */
function near(options: Partial<Parameters<typeof clientOn>[1]> = {}) {
  const server = new FakeServer(new World());
  const cookies = new Map<string, string>();
  const fetch = async (input: unknown, { method = 'GET', headers, body }: RequestInit = {}) => {
    const token = new Headers(headers).get('authorization')?.slice(7) ?? null;
    const route = `${method} ${new URL(String(input)).pathname}`;
    return server.handle({ route, token, body: body && JSON.parse(String(body)), cookies }).response;
  };
  const client = clientOn({ ...browser, fetch: fetch as never }, { baseUrl: 'https://auth.example.com', ...options });
  return { client, server };
}

describe('a browser in which', () => {
  it('BroadcastChannel throws, as in Firefox without cookies, has a client all the same', async () => {
    const refused = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    };
    vi.stubGlobal('BroadcastChannel', refused);
    vi.resetModules();
    const { createClient } = await import('./index.js');
    const client = createClient({ baseUrl: 'https://auth.example.com' });
    expect(await client.session()).toBeNull();
    client.close();
  });

  it.each(['cookie', 'body'] as const)(
    'storage is refused keeps a session until the tab closes: %s',
    async (delivery) => {
      Object.defineProperty(globalThis, 'localStorage', {
        configurable: true,
        get: () => {
          throw new DOMException('denied', 'SecurityError');
        },
      });
      const { client } = near({ delivery, store: localStorageStore() });
      expect((await client.fetch('/public')).status).toBe(401);
      const session = await client.login(GRACE);
      expect(await client.session()).toEqual(session);
      await client.logout();
      expect(await client.session()).toBeNull();
      client.close();
      Reflect.deleteProperty(globalThis, 'localStorage');
    },
  );

  it('storage is full does not come back to an older token after a reload', async () => {
    const kept = new Map<string, string>();
    let isFull = false;
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => {
        if (isFull) throw new DOMException('full', 'QuotaExceededError');
        kept.set(key, text);
      },
      removeItem: (key: string) => void kept.delete(key),
    });
    const store = localStorageStore();
    await store.write('first', 'a');
    isFull = true;
    await store.write('second', 'a');
    expect(await store.read('a')).toBe('second');
    expect(await localStorageStore().read('a')).toBeNull();
  });

  it('a lock is never given waits no longer than it was told to, and works once', async () => {
    let works = 0;
    vi.stubGlobal('navigator', {
      locks: {
        request: (_name: string, { signal }: { signal: AbortSignal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      },
    });
    await browser.withLock('a lock', 20, async () => (works += 1));
    expect(works).toBe(1);
  });

  it('a lock is given works once', async () => {
    let works = 0;
    const request = (_name: string, _options: object, work: () => Promise<void>) => work();
    vi.stubGlobal('navigator', { locks: { request } });
    expect(await browser.withLock('a lock', 20, async () => (works += 1))).toBe(1);
    expect(works).toBe(1);
  });
});

it('a request is given up after the time it was given', async () => {
  const signal = browser.timeout(10);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

describe('a store', () => {
  it.each([
    ['in memory', memoryStore],
    ['in localStorage', localStorageStore],
  ])('%s that serves two servers gives neither what is the other’s', async (_, make) => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
      removeItem: (key: string) => void kept.delete(key),
    });
    const store = make();
    const one = near({ baseUrl: 'https://one.example', store });
    const two = near({ baseUrl: 'https://two.example', store });
    await one.client.login(GRACE);
    expect(await two.client.session()).toBeNull();
    await two.client.logout();
    expect(await one.client.session()).not.toBeNull();
    one.client.close();
    two.client.close();
  });
});

describe('a client that was closed', () => {
  it('signs in and out as before, and only hears no other tab', async () => {
    const { client, server } = near();
    client.close();
    await client.login(GRACE);
    expect((await client.fetch('/me')).status).toBe(200);
    await client.logout();
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('leaves nothing behind in the page', () => {
    const listening = new Set<unknown>();
    vi.stubGlobal('addEventListener', (_type: string, listener: unknown) => void listening.add(listener));
    vi.stubGlobal('removeEventListener', (_type: string, listener: unknown) => void listening.delete(listener));
    vi.stubGlobal('document', new EventTarget());
    const { client } = near();
    expect(listening.size).toBe(2);
    client.close();
    expect(listening.size).toBe(0);
  });

  it('tells nobody anything any more', async () => {
    const { client } = near();
    let told = 0;
    client.onChange(() => (told += 1));
    client.close();
    await client.login(GRACE);
    expect(told).toBe(0);
  });
});

describe('a response that is none', () => {
  it.each(['null', '[]', '"x"', '3', '<html>', ''])('is said to be one: %s', async (text) => {
    const fetch = async () => new Response(text, { headers: { 'content-type': 'application/json' } });
    const client = clientOn({ ...browser, fetch }, { baseUrl: 'https://auth.example.com' });
    expect(await failure(client.login(GRACE))).toMatchObject({ name: 'LatchkeyError', code: 'unexpected_response' });
    client.close();
  });
});
