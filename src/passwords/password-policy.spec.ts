import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PASSWORD_MAX_CODE_POINTS, PRODUCT_NAME, whyNotAcceptable } from './password-policy.js';

const NOBODY = { email: 'q@z.example', name: null };
const ADA = { email: 'ada.lovelace@analytical.example', name: 'Augusta Ada King' };
const why = (password: string, words: typeof ADA | typeof NOBODY = NOBODY, minLength: number = 15) =>
  whyNotAcceptable(password, words, minLength);
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
    expect([why('1234567', NOBODY, 8), why('12345678', NOBODY, 8)]).toEqual([
      expect.stringMatching(/needs 8\.$/),
      null,
    ]);
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

describe('the user’s own words', () => {
  it.each([
    [ADA.email, 'your e-mail address'],
    ['ADA.LOVELACE@ANALYTICAL.EXAMPLE', 'your e-mail address'],
    ['ada.lovelace ada.lovelace', 'your e-mail address'],
    ['analytical.example', 'your e-mail address'],
    ['analytical-analytical', 'your e-mail address'],
    ['Augusta Ada King', 'your name'],
    ['king, ada augusta', 'your name'],
    ['augustaaugustaaugusta', 'your name'],
    ['Ａｕｇｕｓｔａ　Ａｄａ　Ｋｉｎｇ', 'your name'],
    ['Latchkey Latchkey', 'the name of this product'],
    ['l.a.t.c.h.k.e.y -- LATCHKEY', 'the name of this product'],
  ])('%s is refused as nothing but %s', (password, whose) => {
    expect(why(password, ADA)).toBe(`Too easy to guess: only ${whose}.`);
  });

  it('are all named in the reason', () => {
    const reason = why('latchkey-augusta-ada', ADA);
    expect(reason).toContain('your name');
    expect(reason).toContain('the name of this product');
  });

  it.each([
    'ada loves analytical engines',
    'latchkey for the garden',
    'augusta ada king 1815',
    'kingkingkingkong',
    'the whole of ada.lovelace@analytical.example',
  ])('may be part of a password: %s', (password) => {
    expect(why(password, ADA)).toBeNull();
  });

  it('are refused in any order, number, case and punctuation', () => {
    const name = fc.array(fc.constantFrom('Ann', 'Joanna', 'Lee', 'Leeann', 'Key', 'Max', 'Maxime'), {
      minLength: 1,
      maxLength: 3,
    });
    const between = fc.constantFrom('', ' ', '-', '.', '!', '  ');
    const picks = fc.array(fc.tuple(fc.nat(), between, fc.boolean()), { minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(name, picks, (parts, choices) => {
        const words = { email: 'someone@else.example', name: parts.join(' ') };
        const own = [...parts, PRODUCT_NAME];
        const password = choices
          .map(
            ([pick, gap, isLoud]) => (isLoud ? own[pick % own.length]!.toUpperCase() : own[pick % own.length]!) + gap,
          )
          .join('');
        expect(why(password, words)).toMatch(/^Too easy to guess: only /);
      }),
    );
  });

  it('are ignored when they have only two letters', () => {
    expect(why('jo jo jo jo jo jo', { email: 'jo@jo.xy', name: 'Jo' })).toBeNull();
  });

  it('are optional', () => {
    expect(why('!"§$%&/()=?`*+#', { email: 'a@b.example', name: null })).toBeNull();
    expect(why('               ', { email: 'a@b.example', name: '   ' })).toBeNull();
  });
});

it('the reason of a refused password never repeats it', () => {
  fc.assert(
    fc.property(textOf(6, 14), (text) => {
      expect(why(text, ADA)).toMatch(/^The password is too short: it has \d+ characters and needs 15\.$/);
    }),
  );
});
