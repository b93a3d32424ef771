import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load-config.js';
import { CannotOpenError, SecretBox } from './secret-box.js';

const ONE = 'the first secret of 32 bytes or more';
const TWO = 'the second secret of 32 bytes or more';
const PLAINTEXT = Buffer.from('a secret text of the tests');

const boxOf = (...secrets: string[]) => new SecretBox(loadConfig({ APP_SECRET: secrets.join(',') }));

describe('SecretBox', () => {
  const box = boxOf(ONE);
  const sealed = box.seal(PLAINTEXT, 'access-signing 1');

  it.each([PLAINTEXT, Buffer.alloc(0), Buffer.alloc(4096, 7)])('opens what it has sealed: case %#', (plaintext) => {
    expect(box.open(box.seal(plaintext, 'a'), 'a')).toEqual(plaintext);
  });

  it('reveals nothing of the plaintext, and uses a new nonce each time', () => {
    const many = Array.from({ length: 1000 }, () => box.seal(PLAINTEXT, 'a'));
    expect(new Set(many.map((text) => text.split('.')[2])).size).toBe(1000);
    expect(new Set(many.map((text) => text.split('.')[3])).size).toBe(1000);
    expect(Buffer.from(sealed.split('.')[3]!, 'base64url').includes(PLAINTEXT.subarray(0, 6))).toBe(false);
  });

  it('opens only with the label of the seal', () => {
    for (const label of ['password-prehash 1', 'access-signing 2', 'access-signing', '']) {
      expect(() => box.open(sealed, label)).toThrow(CannotOpenError);
    }
  });

  it('seals with the first secret and opens with any', () => {
    const both = boxOf(TWO, ONE);
    expect(both.open(sealed, 'access-signing 1')).toEqual(PLAINTEXT);
    const anew = both.seal(PLAINTEXT, 'a');
    expect(boxOf(TWO).open(anew, 'a')).toEqual(PLAINTEXT);
    expect(() => boxOf(ONE).open(anew, 'a')).toThrow(CannotOpenError);
  });

  it('does not open with another secret, even with a forged key id', () => {
    const [version, , ...rest] = boxOf(TWO).seal(PLAINTEXT, 'a').split('.');
    expect(() => box.open([version, sealed.split('.')[1], ...rest].join('.'), 'a')).toThrow(CannotOpenError);
  });

  it('does not open after a flipped bit in nonce, ciphertext or tag', () => {
    for (const part of [2, 3]) {
      const { length } = Buffer.from(sealed.split('.')[part]!, 'base64url');
      for (let at = 0; at < length; at++) {
        const changed = change(part, (bytes) => void (bytes[at]! ^= 1 << (at % 8)));
        expect(() => box.open(changed, 'access-signing 1')).toThrow(CannotOpenError);
      }
    }
  });

  it.each([sealed, box.seal(Buffer.alloc(0), 'access-signing 1')])(
    'does not open with a truncated nonce, ciphertext or tag: case %#',
    (whole) => {
      for (const part of [0, 1, 2, 3]) {
        const text = whole.split('.')[part]!;
        for (let length = 0; length < text.length; length++) {
          const cut = whole.split('.').with(part, text.slice(0, length)).join('.');
          expect(() => box.open(cut, 'access-signing 1')).toThrow(CannotOpenError);
        }
      }
    },
  );

  it.each(['', '.', '...', '2.a.b.c', `2${sealed.slice(1)}`, sealed.split('.').slice(0, 3).join('.'), `x${sealed}`])(
    'does not open a malformed box: %j',
    (text) => {
      expect(() => box.open(text, 'access-signing 1')).toThrow(CannotOpenError);
    },
  );

  function change(part: number, edit: (bytes: Buffer) => void): string {
    const bytes = Buffer.from(sealed.split('.')[part]!, 'base64url');
    edit(bytes);
    return sealed.split('.').with(part, bytes.toString('base64url')).join('.');
  }
});
