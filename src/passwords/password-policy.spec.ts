import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PASSWORD_MAX_CODE_POINTS, PRODUCT_NAME, whyNotAcceptable } from './password-policy.js';

const NOBODY = { email: 'q@z.example', name: null };
const ADA = { email: 'ada.lovelace@analytical.example', name: 'Augusta Ada King' };
const why = (password: string, words: typeof ADA | typeof NOBODY = NOBODY, minLength: number = 15) =>
  whyNotAcceptable(password, words, minLength);
/** Characters of any kind, as people see them, of a password that long in code points after NFC. */
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
  it('is counted in code points: 15 are enough, and 14 are not', () => {
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

  it('is at least what is configured', () => {
    expect([why('1234567', NOBODY, 8), why('12345678', NOBODY, 8)]).toEqual([
      expect.stringMatching(/needs 8\.$/),
      null,
    ]);
  });

  it('is at most 256 code points, of any size', () => {
    for (const character of ['x', '🐙', 'e\u0301']) {
      expect(why(character.repeat(PASSWORD_MAX_CODE_POINTS))).toBeNull();
      expect(why(character.repeat(PASSWORD_MAX_CODE_POINTS + 1))).toBe(
        'The password is too long: at most 256 characters.',
      );
    }
  });
});

describe('the characters of a password', () => {
  it('may be any that exist, in any mixture: there are no rules about kinds', () => {
    fc.assert(
      fc.property(textOf(15, 256), (text) => {
        expect(why(text)).toBeNull();
      }),
    );
  });

  it('are whole ones', () => {
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

describe('the person’s own words', () => {
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
  ])('%s is nothing but %s', (password, whose) => {
    expect(why(password, ADA)).toBe(`Too easy to guess: only ${whose}.`);
  });

  it('are named together where they stand together', () => {
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

  it('make no password in any order, number, case or punctuation, even where one is part of another', () => {
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

  it('are not sought in two letters: initials would spoil too much', () => {
    expect(why('jo jo jo jo jo jo', { email: 'jo@jo.xy', name: 'Jo' })).toBeNull();
  });

  it('do not matter where there are none', () => {
    expect(why('!"§$%&/()=?`*+#', { email: 'a@b.example', name: null })).toBeNull();
    expect(why('               ', { email: 'a@b.example', name: '   ' })).toBeNull();
  });
});

it('the reason never repeats the password', () => {
  fc.assert(
    fc.property(textOf(6, 14), (text) => {
      expect(why(text, ADA)).toMatch(/^The password is too short: it has \d+ characters and needs 15\.$/);
    }),
  );
});
