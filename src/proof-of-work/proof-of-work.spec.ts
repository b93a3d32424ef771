import { solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import type { Challenge, Payload } from 'altcha-lib/types';
import { beforeAll, describe, expect, it } from 'vitest';
import { deriveChallengeKeys } from './challenge-keys.js';
import { CHALLENGE_TTL_MS, DIFFICULTY, isSolved, issueChallenge } from './proof-of-work.js';

const OLD = 'an old secret of at least 32 bytes';
const NEW = 'a new secret of at least 32 bytes!';
const keys = deriveChallengeKeys([OLD]);
const now = Date.now();

describe('a challenge', () => {
  let challenge: Challenge;
  let payload: Payload;
  const verify = (changed: unknown, with_ = keys, at = now) => isSolved(changed as Payload, 'login', with_, at);
  const withParameters = (parameters: object) => ({
    ...payload,
    challenge: { ...challenge, parameters: { ...challenge.parameters, ...parameters } },
  });
  beforeAll(async () => {
    challenge = await issueChallenge('login', keys, now);
    payload = { challenge, solution: (await solveChallenge({ challenge, deriveKey }))! };
  });

  it('has the documented work, and expires after 5 minutes', () => {
    const { algorithm, cost, keyPrefix, expiresAt } = challenge.parameters;
    expect({ algorithm, cost }).toEqual({ algorithm: 'PBKDF2/SHA-256', cost: DIFFICULTY.iterations });
    // 128 bits: no other counter matches by chance.
    expect(keyPrefix).toMatch(/^[0-9a-f]{32}$/);
    expect(payload.solution.counter).toBeLessThan(DIFFICULTY.keys);
    expect(expiresAt).toBe(Math.floor((now + CHALLENGE_TTL_MS) / 1000));
  });

  it('is random', async () => {
    const another = await issueChallenge('login', keys, now);
    for (const name of ['nonce', 'salt', 'keyPrefix'] as const) {
      expect(another.parameters[name]).not.toBe(challenge.parameters[name]);
    }
  });

  it('is solved by its solution, also once a new secret signs', async () => {
    expect(await verify(payload)).toBe(true);
    expect(await verify(payload, deriveChallengeKeys([NEW, OLD]))).toBe(true);
    expect(await verify(payload, deriveChallengeKeys([OLD, NEW]))).toBe(true);
    expect(await verify(payload, deriveChallengeKeys([NEW]))).toBe(false);
  });

  it('is not solved by anything else', async () => {
    const { derivedKey } = payload.solution;
    for (const other of ['', '00', derivedKey.slice(0, 32), derivedKey.toUpperCase(), `${derivedKey}00`, 'zz']) {
      expect(await verify({ ...payload, solution: { counter: 1, derivedKey: other } })).toBe(false);
    }
    for (const counter of [-1, 1.5, 2 ** 32, Number.NaN]) {
      expect(await verify({ ...payload, solution: { counter, derivedKey } })).toBe(false);
    }
  });

  it.each([
    ['a later expiry', { expiresAt: 9_999_999_999 }],
    ['less work', { cost: 1 }],
    ['a shorter prefix', { keyPrefix: '00' }],
    ['a key of its own', { keySignature: '0'.repeat(64) }],
    ['no signed key', { keySignature: undefined }],
    ['another nonce', { nonce: '0'.repeat(32) }],
    ['one more member', { more: 1 }],
    ['another key id', { data: { kid: 'other', purpose: 'login' } }],
    ['no data', { data: null }],
  ])('is not ours with %s', async (_, parameters) => {
    expect(await verify(withParameters(parameters))).toBe(false);
  });

  it.each(['', '0'.repeat(64), 'short'])('is not ours with the signature %j', async (signature) => {
    expect(await verify({ ...payload, challenge: { ...challenge, signature } })).toBe(false);
    const shouted = challenge.signature!.toUpperCase();
    expect(await verify({ ...payload, challenge: { ...challenge, signature: shouted } })).toBe(false);
  });

  it('is not accepted for another purpose, or after it has expired', async () => {
    expect(await isSolved(payload, 'register', keys, now)).toBe(false);
    expect(await verify(payload, keys, now + CHALLENGE_TTL_MS - 1000)).toBe(true);
    expect(await verify(payload, keys, now + CHALLENGE_TTL_MS)).toBe(false);
  });
});
