import { dictionary } from '@zxcvbn-ts/language-common';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Problem } from '../problem/problem.js';
import { ticketFor } from './fair-queue.js';
import { Config } from '../config/config.js';
import { HashingQueue } from './hashing-queue.js';
import { PasswordStrength } from './password-strength.js';
import type { PersonalWords } from './own-words.js';
import findWeakness from './strength.worker.js';

const NOBODY = { email: 'q@z.example', name: null };
const LOVELACE = { email: 'q@z.example', name: 'Lovelace' };
const why = (password: string, words: PersonalWords = NOBODY) => findWeakness({ password, words });

describe('a password that is too easy to guess', () => {
  it('is any common password, in any case', () => {
    const listed = dictionary['passwords-common'].map(String).filter((password) => password.length >= 8);
    expect(listed.length).toBeGreaterThan(10_000);
    for (const password of listed) expect(why(password)).toBe('Too easy to guess: one of the most common passwords.');
    for (const password of listed.slice(0, 3000)) expect(why(password.toUpperCase())).toMatch(/most common/);
  });

  it.each([
    ['123456789012345', 'similar to a common password'],
    ['P@ssw0rd1234567', 'similar to a common password'],
    ['drowssap12345678', 'similar to a common password'],
    ['aaaaaaaaaaaaaaa', 'mostly one repeated character'],
    ['a'.repeat(256), 'mostly one repeated character'],
    ['Summer2026Summer2026', 'mostly repeated characters'],
    ['🔑'.repeat(64), 'mostly repeated characters'],
    ['abcdefghijklmnop', 'mostly a sequence like "abc"'],
    ['!"§$%&/()=?`*+#', 'mostly a keyboard pattern'],
    ['lovelacelovelace', 'only your name'],
    ['lovelacelovelac3', 'mostly your name, your e-mail address or the name of this product'],
  ])('%s is %s', (password, weakness) => {
    expect(why(password, LOVELACE)).toBe(`Too easy to guess: ${weakness}.`);
  });

  it.each([
    'monkey dragon ab',
    'password password',
    'Password12345678!',
    'password 123456',
    'Welcome2026!!!!!',
    'summer2026summer',
    '111111222222333333',
    'qwertyuiopasdfghjklzxcvbnm',
    'Lovelace2026!!!!',
    'lovelacelovelace1',
  ])('consists of up to three common pieces: %s', (password) => {
    expect(why(password, LOVELACE)).toMatch(/^Too easy to guess: /);
  });

  it('is a repetition of any length and period', () => {
    for (const piece of ['1', '12', 'abc', 'qwer', '12345', 'dragon', '1234567890', 'password ']) {
      for (const length of [63, 64, 65, 70, 128, 256]) {
        expect(why(piece.repeat(length).slice(0, length)), `${piece} to ${length}`).not.toBeNull();
      }
    }
  });

  it('is recognised in full-width letters', () => {
    expect(why('ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ')).toBe(why('passwordpassword'));
  });
});

describe('a password that is hard to guess', () => {
  it.each([
    'correct horse battery',
    'a long enough passphrase',
    'MyDogIsCalledRex',
    'augusta ada king 1815',
    'kfj2paem',
    'öäüß lange Wörter',
    '合言葉は山と川である、忘れるな',
  ])('is accepted: %s', (password) => {
    expect(why(password, { email: 'q@z.example', name: 'Ada King' })).toBeNull();
  });

  it('has a strong beginning, with any padding', () => {
    for (const padding of ['a'.repeat(228), 'password '.repeat(25)]) {
      expect(why(`correct horse battery staple${padding}`)).toBeNull();
    }
  });

  it('is any random password of a password manager', () => {
    const character = fc.constantFrom(...'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%+');
    fc.assert(
      fc.property(fc.array(character, { minLength: 15, maxLength: 40 }), (characters) => {
        fc.pre(new Set(characters).size > 10);
        expect(why(characters.join(''))).toBeNull();
      }),
    );
  });
});

it('the reason of a weak password never repeats a word of it', () => {
  const reason = why('Lovelace12345678', LOVELACE);
  expect(reason).not.toBeNull();
  expect(reason).not.toMatch(/lovelace|1234/i);
});

describe('the strength check', () => {
  const strength = new PasswordStrength(new HashingQueue(new Config()));
  afterAll(() => strength.onApplicationShutdown());
  const words = { email: 'ada@example.com', name: null };
  const hostile = '4@8({[<369&#!1/|0$5+7%2'.repeat(11);

  it('does not block the event loop', async () => {
    await strength.findWeakness('the thread is up now', words, ticketFor('192.0.2.0/24'));
    let turns = 0;
    const counter = setInterval(() => turns++, 1);
    await strength.findWeakness(hostile, words, ticketFor('192.0.2.0/24'));
    clearInterval(counter);
    expect(turns).toBeGreaterThan(3);
  });

  it('refuses excess work at once, and recovers (back-pressure)', async () => {
    // Without measured times, only the number of waiting checks counts.
    const fresh = new PasswordStrength(new HashingQueue(new Config()));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 80 }, () => fresh.findWeakness('password', words, ticketFor('192.0.2.0/24'))),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Problem);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['hashing_busy']));
    expect(outcomes.slice(-64).every((outcome) => outcome.status === 'fulfilled')).toBe(true);
    expect(await fresh.findWeakness('password', words, ticketFor('192.0.2.0/24'))).toBe(
      'Too easy to guess: one of the most common passwords.',
    );
    await fresh.onApplicationShutdown();
  });

  it('fails when its thread dies during start, and continues with a new one', async () => {
    const fresh = new PasswordStrength(new HashingQueue(new Config()));
    process.once('worker', (thread) => void thread.terminate());
    await expect(fresh.findWeakness('password', words, ticketFor('192.0.2.0/24'))).rejects.toThrow(
      'The password strength thread exited',
    );
    expect(await fresh.findWeakness('password', words, ticketFor('192.0.2.0/24'))).toBe(
      'Too easy to guess: one of the most common passwords.',
    );
    await fresh.onApplicationShutdown();
  });

  it('fails one check when its thread dies, and continues with the others', async () => {
    const judged = [hostile, 'password', 'password'].map((password) =>
      strength.findWeakness(password, words, ticketFor('192.0.2.0/24')),
    );
    await vi.waitFor(() => expect(strength['worker']).toBeDefined());
    await (await strength['worker']!).terminate();
    const outcomes = await Promise.allSettled(judged);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    await (await strength['worker']!).terminate();
    expect(await strength.findWeakness('password', words, ticketFor('192.0.2.0/24'))).toBe(
      'Too easy to guess: one of the most common passwords.',
    );
  });
});
