import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEmail } from './email.js';

const canonical = (text: string) => parseEmail(text)?.canonical ?? null;
/** Letters with unusual case folding or composition in Unicode. */
const localPart = fc
  .array(fc.constantFrom(...'kK\u212aßẞİıΣσςJǰhẖ\u030c\u0301\u0307\u0331\u0345éΐ'), { minLength: 1, maxLength: 6 })
  .map((letters) => letters.join(''));
const address = localPart.map((local) => `${local}@example.com`).filter((text) => parseEmail(text) !== null);

describe('an e-mail address', () => {
  it('keeps its local part as written, in NFC, with the domain in ASCII', () => {
    expect(parseEmail('Zoe\u0308.Mü+Tag@BÜCHER.example')).toEqual({
      address: 'Zoë.Mü+Tag@xn--bcher-kva.example',
      canonical: 'zoë.mü+tag@xn--bcher-kva.example',
    });
  });

  it.each([
    ['case', 'Ada@Example.COM', 'ada@example.com'],
    ['NFC and NFD', 'zoë@example.com', 'zoe\u0308@example.com'],
    ['IDNA', 'ada@bücher.example', 'ada@XN--BCHER-KVA.example'],
    ['the Kelvin sign', 'mike@example.com', 'mi\u212ae@example.com'],
    ['the Kelvin sign in the domain', 'ada@kelvin.example', 'ada@\u212aelvin.example'],
    ['the Ångström sign', 'å@example.com', '\u212b@example.com'],
    ['a capital that has no composed form', 'ǰ@example.com', 'J\u030c@example.com'],
    ['fullwidth letters in the domain', 'ada@example.com', 'ada@ｅｘａｍｐｌｅ.com'],
  ])('has the same canonical form in two spellings: %s', (_, one, other) => {
    expect(canonical(one)).not.toBeNull();
    expect(canonical(other)).toBe(canonical(one));
  });

  it.each([
    ['dots', 'ada.lovelace@example.com', 'adalovelace@example.com'],
    ['tags', 'ada+tag@example.com', 'ada@example.com'],
    ['accents', 'zoë@example.com', 'zoe@example.com'],
    ['scripts', 'аda@example.com', 'ada@example.com'],
    ['scripts in the domain', 'ada@exаmple.com', 'ada@example.com'],
    ['subdomains', 'ada@mail.example.com', 'ada@example.com'],
  ])('has another canonical form with other %s', (_, one, other) => {
    expect([canonical(one), canonical(other)]).not.toContain(null);
    expect(canonical(one)).not.toBe(canonical(other));
  });

  it('has an idempotent canonical form', () => {
    fc.assert(
      fc.property(address, (text) => {
        const form = canonical(text)!;
        const spellings = [form, text.normalize('NFC'), text.normalize('NFD'), parseEmail(text)!.address];
        expect(spellings.map(canonical)).toEqual([form, form, form, form]);
      }),
      { numRuns: 1000 },
    );
  });

  it('fits into its column of 320 characters after normalisation', () => {
    for (const letter of ['a', 'İ', '\ufb2c', 'ΐ']) {
      for (let n = 1; n <= 64; n++) {
        const parsed = parseEmail(`${letter.repeat(n)}@${'ü'.repeat(30)}.${'ß'.repeat(30)}.example`);
        expect(Math.max(parsed?.address.length ?? 0, parsed?.canonical.length ?? 0)).toBeLessThanOrEqual(320);
      }
    }
  });
});

describe('parseEmail', () => {
  it.each([
    ['nothing', ''],
    ['no @', 'ada.example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'ada@'],
    ['a name before it', 'Ada <ada@example.com>'],
    ['spaces around it', ' ada@example.com'],
    ['spaces after it', 'ada@example.com '],
    ['two addresses', 'ada@example.com,grace@example.com'],
    ['two @', 'ada@grace@example.com'],
    ['a host without a domain', 'ada@localhost'],
    ['an IP address', 'ada@127.0.0.1'],
    ['an IP address in hexadecimal', 'ada@0x7f.1'],
    ['an IP address in brackets', 'ada@[127.0.0.1]'],
    ['a dot at its end', 'ada@example.com.'],
    ['two dots', 'ada..l@example.com'],
    ['a local part of 65 letters', `${'a'.repeat(65)}@example.com`],
    ['a label of 64 letters', `ada@${'a'.repeat(64)}.com`],
    ['321 characters', `ada@${'a.'.repeat(158)}b`],
    ['a lone surrogate', 'ada\ud800@example.com'],
    ['a lone surrogate in the domain', 'ada@ex\udc00ample.com'],
    ['a path', 'ada@example.com/path'],
    ['a query', 'ada@example.com?subject=x'],
    ['a fragment', 'ada@example.com#x'],
    ['a port', 'ada@example.com:25'],
    ['a backslash', 'ada@example.com\\@evil.example'],
    ['percent signs in the domain', 'ada@%65xample.com'],
    ['a tab in the domain', 'ada@exam\tple.com'],
    ['a line break after it', 'ada@example.com\r\n'],
    ['a mail header', '"ada\r\nBcc: grace@example.com\r\n"@example.com'],
    ['a quoted space', '"ada lovelace"@example.com'],
    ['quotation marks (a second spelling of one mailbox)', '"ada"@example.com'],
    ['NUL', 'ada\u0000@example.com'],
    ['a control character', 'ada\u0085@example.com'],
    ['a line separator', 'ada\u2028@example.com'],
    ['an invisible character', 'a\u200bda@example.com'],
    ['a variation selector, which IDNA leaves out', 'ada@example.com\u{e0100}'],
    ['writing from right to left', '\u202eada@example.com'],
  ])('refuses %s', (_, text) => {
    expect(parseEmail(text)).toBeNull();
  });

  it.each([null, undefined, 1, {}, [], ['ada@example.com'], { toString: () => 'ada@example.com' }])(
    'refuses %j',
    (value) => {
      expect(parseEmail(value)).toBeNull();
    },
  );

  it('never throws, and never maps a text to the address of another user', () => {
    const junk = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(junk, junk, (before, after) => {
        const isAda = canonical(`ada${before}@example.com${after}`) === 'ada@example.com';
        expect(isAda).toBe(before + after === '');
      }),
      { numRuns: 2000 },
    );
  });
});
