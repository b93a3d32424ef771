import { describe, expect, it } from 'vitest';
import { findJsonRefusal } from './json-limits.js';

const members = (count: number) => Array.from({ length: count }, (_, i) => `"m${i}": ${i}`).join(', ');

describe('findJsonRefusal', () => {
  it.each([
    ['32 members', `{${members(32)}}`],
    ['32 members at two levels', `{${members(15)}, "o": {${members(16)}}}`],
    ['equal names in different objects', '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}'],
    ['equal values', '{"a": "x", "b": "x", "c": ["x", "x"]}'],
    ['quotation marks and brackets in strings', String.raw`{"a": "\"{[,\"a\":", "b": "\\"}`],
    ['names that differ in case', '{"a": 1, "A": 2}'],
    ['16 levels', `${'{"a":'.repeat(15)}{}${'}'.repeat(15)}`],
  ])('passes %s', (_, json) => {
    expect(() => JSON.parse(json)).not.toThrow();
    expect(findJsonRefusal(json)).toBeNull();
  });

  it.each([
    ['33 members', `{${members(33)}}`, 'too_many_members'],
    ['33 members at two levels', `{${members(16)}, "o": {${members(16)}}}`, 'too_many_members'],
    ['an array of 40 elements', `{"a": [${'1,'.repeat(39)}1]}`, 'too_many_members'],
    ['40 empty arrays', `{"a": [${'[],'.repeat(39)}[]]}`, 'too_many_members'],
    ['a repeated name', '{"a": 1, "b": 2, "a": 1}', 'repeated_parameter'],
    ['a repeated name in a nested object', '{"a": [{"b": 1, "b": 2}]}', 'repeated_parameter'],
    ['a repeated name that is escaped', String.raw`{"email": 1, "\u0065mail": 2}`, 'repeated_parameter'],
    ['a repeated name after an object', '{"a": {"b": [1]}, "a": 2}', 'repeated_parameter'],
    ['17 levels', `${'{"a":'.repeat(16)}{}${'}'.repeat(16)}`, 'body_too_deep'],
  ])('refuses %s', (_, json, code) => {
    expect(findJsonRefusal(json)).toBe(code);
  });

  it.each(['{"a', '{"a": "\\', '}', '[', '{"a": 1]', '{"\\x": 1}', ''])(
    'leaves broken JSON to the parser: %s',
    (json) => {
      expect(findJsonRefusal(json)).toBeNull();
    },
  );
});
