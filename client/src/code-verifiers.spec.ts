import { createHash, webcrypto } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CodeVerifiers } from './code-verifiers.js';

const SERVER = 'https://auth.example.com/';
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

describe('a code verifier', () => {
  let storage: Map<string, string>;
  beforeEach(() => {
    storage = new Map();
    vi.stubGlobal('crypto', webcrypto);
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, text: string) => void storage.set(key, text),
      removeItem: (key: string) => void storage.delete(key),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('has 256 random bits, and the challenge of RFC 7636', async () => {
    const verifiers = new CodeVerifiers(SERVER);
    const challenge = await verifiers.challenge('verify');
    const verifier = verifiers.find('verify')!;
    expect(verifier).toMatch(/^[\w-]{43}$/);
    expect(challenge).toBe(challengeOf(verifier));
    await new CodeVerifiers('https://other.example/').challenge('verify');
    expect(new Set(storage.values()).size).toBe(2);
  });

  it('is found after a reload of the page, until it is forgotten', async () => {
    await new CodeVerifiers(SERVER).challenge('reset');
    const reloaded = new CodeVerifiers(SERVER);
    expect(reloaded.find('reset')).toMatch(/^[\w-]{43}$/);
    reloaded.forget('reset');
    expect([reloaded.find('reset'), storage.size]).toEqual([undefined, 0]);
  });

  it('stays the same for a second mail, and differs for another purpose', async () => {
    const verifiers = new CodeVerifiers(SERVER);
    const [first, second] = [await verifiers.challenge('verify'), await verifiers.challenge('verify')];
    expect(second).toBe(first);
    expect(await verifiers.challenge('change')).not.toBe(first);
    expect(verifiers.find('reset')).toBeUndefined();
  });

  it.each([
    ['is missing', undefined],
    [
      'is full',
      {
        getItem: () => null,
        setItem: () => {
          throw new DOMException('full', 'QuotaExceededError');
        },
      },
    ],
  ])('stays in memory where storage %s', async (_, sessionStorage) => {
    vi.stubGlobal('sessionStorage', sessionStorage);
    const verifiers = new CodeVerifiers(SERVER);
    expect(await verifiers.challenge('verify')).toBe(challengeOf(verifiers.find('verify')!));
    verifiers.forget('verify');
    expect(verifiers.find('verify')).toBeUndefined();
  });

  it.each([
    ['crypto.subtle, as on http', { getRandomValues: () => undefined }],
    ['crypto', undefined],
  ])('does not exist without %s', async (_, crypto) => {
    vi.stubGlobal('crypto', crypto);
    const verifiers = new CodeVerifiers(SERVER);
    expect([await verifiers.challenge('verify'), verifiers.find('verify')]).toEqual([undefined, undefined]);
  });
});
