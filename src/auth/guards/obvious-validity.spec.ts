import { describe, expect, it } from 'vitest';
import { synchronousValidationPipe } from '../../http/validation.js';
import { LoginDto, RefreshDto, RefreshFormDto } from '../dto.js';
import { isObviouslyValid } from './obvious-validity.js';
import { validateBody } from './validate-body.js';

const ID = '0b0e8b7c-9b1a-4f7e-9d3b-1f2e3d4c5b6a';
const TOKENS = ['', 'x', 'x'.repeat(4096), 'x'.repeat(4097), '🦊'.repeat(2048), '🦊'.repeat(2049), null, undefined, 1];
const MORE_TOKENS = [true, [], ['x'], {}, Object('x'), Symbol.iterator];
const IDS = [ID, ID.toUpperCase(), `${ID} `, ID.slice(1), ID.replaceAll('-', ''), ID.replace('-4', '-0'), '', null];
const NIL = '00000000-0000-0000-0000-000000000000';
const MORE_IDS = [NIL, NIL.replaceAll('0', 'f'), undefined, 1, [ID], { toString: () => ID }];
const NAMES = ['__proto__', 'constructor', 'toString', 'Refresh_token', 'more'];

/** Every combination of a token, a session id and another member. */
function* bodies(): Generator<object> {
  for (const token of [...TOKENS, ...MORE_TOKENS])
    for (const id of [...IDS, ...MORE_IDS])
      for (const name of ['', ...NAMES]) {
        const more = name === '' ? {} : JSON.parse(`{"${name}": "x"}`);
        yield { refresh_token: token, session_id: id, ...more };
        yield { refresh_token: token, ...more };
        yield { session_id: id, ...more };
        yield more;
      }
}

describe('a body that is obviously valid', () => {
  it.each([RefreshDto, RefreshFormDto])('is what class-validator accepts, unchanged: $name', async (type) => {
    const pipe = synchronousValidationPipe();
    let accepted = 0;
    for (const body of bodies()) {
      if (!isObviouslyValid(body, type)) continue;
      accepted += 1;
      const validated = await pipe.transform(body, { type: 'body', metatype: type });
      expect(await validateBody(body, type)).toStrictEqual(validated);
    }
    expect(accepted).toBeGreaterThan(5);
  });

  it.each([
    [{ refresh_token: 'x'.repeat(330) }, RefreshDto],
    [{ refresh_token: 'x', session_id: ID }, RefreshDto],
    [{ session_id: ID }, RefreshDto],
    [{}, RefreshDto],
    [{ refresh_token: 'x' }, RefreshFormDto],
  ])('is every usual body of a refresh: %j', (body, type) => {
    expect(isObviouslyValid(body, type)).toBe(true);
  });

  it.each([null, 'text', 1, [], ['x'], undefined])('is never %j', (body) => {
    expect(isObviouslyValid(body, RefreshDto)).toBe(false);
  });

  it('is never that of a class without such rules', () => {
    expect(isObviouslyValid({ email: 'a@b.example', password: 'long enough' }, LoginDto)).toBe(false);
  });
});
