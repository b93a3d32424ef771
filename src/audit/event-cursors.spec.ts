import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { Config } from '../config/config.js';
import { CURSOR_LENGTH, EventCursors } from './event-cursors.js';

const [ADA, EVE] = [uuidv7(), uuidv7()];
const [OLD, NEW] = ['o'.repeat(40), 'n'.repeat(40)];
const cursorsOf = (...appSecrets: string[]) => new EventCursors(Object.assign(new Config(), { appSecrets }));

describe('a cursor', () => {
  const cursors = cursorsOf(OLD);

  it('leads back to its event, for its user', () => {
    const event = uuidv7();
    const cursor = cursors.encode(ADA, event);
    expect(cursor).toHaveLength(CURSOR_LENGTH);
    expect(cursors.decode(ADA, cursor)).toBe(event);
  });

  // Ory GHSA-r9w3-57w2-gch2: SQL through page cursors.
  it('is refused when it is one of another user', () => {
    expect(cursors.decode(EVE, cursors.encode(ADA, uuidv7()))).toBeNull();
  });

  it('is refused when any character of it is replaced, removed or added', () => {
    const cursor = cursors.encode(ADA, uuidv7());
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ .%\n';
    for (let i = 0; i < cursor.length; i++) {
      const [before, after] = [cursor.slice(0, i), cursor.slice(i + 1)];
      for (const other of alphabet) {
        if (other !== cursor[i]) expect(cursors.decode(ADA, before + other + after)).toBeNull();
        expect(cursors.decode(ADA, before + other + cursor.slice(i))).toBeNull();
      }
      expect(cursors.decode(ADA, before + after)).toBeNull();
    }
    for (const other of alphabet) expect(cursors.decode(ADA, cursor + other)).toBeNull();
  });

  it('is refused when it is any other text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => cursors.decode(ADA, text) === null));
  });

  it('survives a rotation of APP_SECRET, until the old secret is dropped', () => {
    const event = uuidv7();
    const cursor = cursors.encode(ADA, event);
    expect(cursorsOf(NEW, OLD).decode(ADA, cursor)).toBe(event);
    expect(cursorsOf(NEW).decode(ADA, cursor)).toBeNull();
    expect(cursorsOf(NEW, OLD).encode(ADA, event)).toBe(cursorsOf(NEW).encode(ADA, event));
  });
});
