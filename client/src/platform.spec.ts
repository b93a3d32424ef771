import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientOn } from './client.js';
import { browser } from './platform.js';
import { FakeServer } from './testing/fake-server.js';
import { failure, GRACE } from './testing/signed-in.js';
import { World } from './testing/world.js';
import { localStorageStore, memoryStore } from './token-store.js';

afterEach(() => vi.unstubAllGlobals());

/** A client on the platform of Node, with a fake server in the same process. */
function connected(options: Partial<Parameters<typeof clientOn>[1]> = {}) {
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

describe('a browser', () => {
  it('whose BroadcastChannel throws gets a working client', async () => {
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
    'that refuses storage keeps the session until the tab closes: %s',
    async (delivery) => {
      Object.defineProperty(globalThis, 'localStorage', {
        configurable: true,
        get: () => {
          throw new DOMException('denied', 'SecurityError');
        },
      });
      const { client } = connected({ delivery, store: localStorageStore() });
      expect((await client.fetch('/public')).status).toBe(401);
      const session = await client.login(GRACE);
      expect(await client.session()).toEqual(session);
      await client.logout();
      expect(await client.session()).toBeNull();
      client.close();
      Reflect.deleteProperty(globalThis, 'localStorage');
    },
  );

  it('whose storage is full restores no older token after a reload', async () => {
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

  it('that never grants a lock runs the work once, after the timeout', async () => {
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

  it('that grants a lock runs the work once', async () => {
    let works = 0;
    const request = (_name: string, _options: object, work: () => Promise<void>) => work();
    vi.stubGlobal('navigator', { locks: { request } });
    expect(await browser.withLock('a lock', 20, async () => (works += 1))).toBe(1);
    expect(works).toBe(1);
  });
});

it('a timeout aborts with a TimeoutError', async () => {
  const signal = browser.timeout(10);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

describe('a store', () => {
  it.each([
    ['in memory', memoryStore],
    ['in localStorage', localStorageStore],
  ])('%s separates the sessions of two servers', async (_, make) => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
      removeItem: (key: string) => void kept.delete(key),
    });
    const store = make();
    const one = connected({ baseUrl: 'https://one.example', store });
    const two = connected({ baseUrl: 'https://two.example', store });
    await one.client.login(GRACE);
    expect(await two.client.session()).toBeNull();
    await two.client.logout();
    expect(await one.client.session()).not.toBeNull();
    one.client.close();
    two.client.close();
  });
});

describe('a closed client', () => {
  it('still signs in and out', async () => {
    const { client, server } = connected();
    client.close();
    await client.login(GRACE);
    expect((await client.fetch('/me')).status).toBe(200);
    await client.logout();
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('leaves no event listener in the page', async () => {
    const [page, document] = [new EventTarget(), new EventTarget()];
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('document', document);
    let reads = 0;
    const store = { ...memoryStore(), read: () => ((reads += 1), null) };
    const { client } = connected({ store });
    const readsAfter = async (target: EventTarget, type: string) => {
      const before = reads;
      target.dispatchEvent(new Event(type));
      await new Promise((resolve) => void setTimeout(resolve));
      return reads - before;
    };
    const each = async () => [await readsAfter(page, 'online'), await readsAfter(document, 'visibilitychange')];
    expect(await each()).toEqual([1, 1]);
    client.close();
    expect(await each()).toEqual([0, 0]);
  });

  it('calls no listener', async () => {
    const { client } = connected();
    let told = 0;
    client.onChange(() => (told += 1));
    client.close();
    await client.login(GRACE);
    expect(told).toBe(0);
  });
});

describe('a response that is not from the API', () => {
  it.each(['null', '[]', '"x"', '3', '<html>', ''])('is reported as unexpected_response: %s', async (text) => {
    const fetch = async () => new Response(text, { headers: { 'content-type': 'application/json' } });
    const client = clientOn({ ...browser, fetch }, { baseUrl: 'https://auth.example.com' });
    expect(await failure(client.login(GRACE))).toMatchObject({ name: 'LatchkeyError', code: 'unexpected_response' });
    client.close();
  });
});
