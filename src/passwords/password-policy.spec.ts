import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findViolation, PASSWORD_MAX_CODE_POINTS } from './password-policy.js';

const why = (password: string, minLength: number = 15) => findViolation(password, minLength);

/** Texts of any characters, with a length in code points after NFC. */
const textOf = (minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: 0x20, max: 0x10ffff }), { minLength, maxLength })
    .map((points) =>
      String.fromCodePoint(...points)
        .toWellFormed()
        .normalize('NFC'),
    )
    .filter((text) => [...text].length >= minLength && [...text].length <= maxLength);

describe('the length of a password', () => {
  it('is counted in code points: 15 are accepted, 14 are refused', () => {
    for (const character of ['x', 'é', '字', '🐙', ' ', '\u0000', '\u200d']) {
      expect(why(character.repeat(15))).toBeNull();
      expect(why(character.repeat(14))).toBe('The password is too short: it has 14 characters and needs 15.');
    }
  });

  it('is the same in NFC and NFD', () => {
    expect(why('e\u0301'.repeat(14))).toBe(why('é'.repeat(14)));
    expect(why('e\u0301'.repeat(15))).toBeNull();
    fc.assert(
      fc.property(textOf(1, 40), (text) => {
        expect(why(text.normalize('NFD'))).toBe(why(text));
      }),
    );
  });

  it('has a configurable minimum', () => {
    expect([why('1234567', 8), why('12345678', 8)]).toEqual([expect.stringMatching(/needs 8\.$/), null]);
  });

  it('has a maximum of 256 code points of any size', () => {
    for (const character of ['x', '🐙', 'e\u0301']) {
      expect(why(character.repeat(PASSWORD_MAX_CODE_POINTS))).toBeNull();
      expect(why(character.repeat(PASSWORD_MAX_CODE_POINTS + 1))).toBe(
        'The password is too long: at most 256 characters.',
      );
    }
  });
});

describe('the characters of a password', () => {
  it('may be any, in any mixture: no composition rules', () => {
    fc.assert(
      fc.property(textOf(15, 256), (text) => {
        expect(why(text)).toBeNull();
      }),
    );
  });

  it('must not include a lone surrogate', () => {
    const half = fc.constantFrom('\ud800', '\udbff', '\udc00', '\udfff');
    fc.assert(
      fc.property(textOf(15, 30), half, fc.nat(15), (text, surrogate, at) => {
        const points = [...text];
        const password = [...points.slice(0, at), 'a', surrogate, 'b', ...points.slice(at)].join('');
        expect(why(password)).toBe('The password contains an unpaired surrogate: half a character.');
      }),
    );
  });
});

it('the reason of a refused password never repeats it', () => {
  fc.assert(
    fc.property(textOf(6, 14), (text) => {
      expect(why(text)).toMatch(/^The password is too short: it has \d+ characters and needs 15\.$/);
    }),
  );
});
