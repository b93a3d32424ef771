import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOriginOfWords, ownWords, PRODUCT_NAME, type PersonalWords } from './own-words.js';

const ADA = { email: 'ada.lovelace@analytical.example', name: 'Augusta Ada King' };
const origin = (password: string, words: PersonalWords = ADA) => findOriginOfWords(password, ownWords(words));

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
    expect(origin(password)).toBe(whose);
  });

  it('are all named in the reason', () => {
    const reason = origin('latchkey-augusta-ada');
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
    expect(origin(password)).toBeNull();
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
        expect(origin(password, words)).not.toBeNull();
      }),
    );
  });

  it('are ignored when they have only two letters', () => {
    expect(origin('jo jo jo jo jo jo', { email: 'jo@jo.xy', name: 'Jo' })).toBeNull();
  });

  it('are optional', () => {
    expect(origin('!"§$%&/()=?`*+#', { email: 'a@b.example', name: null })).toBeNull();
    expect(origin('               ', { email: 'a@b.example', name: '   ' })).toBeNull();
  });
});
