import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECURITY_EVENTS, SECURITY_EVENT_TYPES } from './event-types.js';

/** Types whose feature does not exist yet. */
const NOT_YET = ['user_changed'];

describe('the catalogue of security events', () => {
  it('equals the table of docs/security-events.md', () => {
    const page = readFileSync('docs/security-events.md', 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (.*?) +\| (yes|no) +\|/gm)].map(([, type, meaning, mail]) => [
      type,
      { meaning, mail: mail === 'yes' },
    ]);
    expect(rows).toEqual(Object.entries(SECURITY_EVENTS));
  });

  it('equals the types that the source records', () => {
    const code = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('event-types.ts'))
      .map((file) => readFileSync(join('src', file), 'utf8'))
      .join('\n');
    const recorded = SECURITY_EVENT_TYPES.filter((type) => code.includes(`type: '${type}'`));
    expect(SECURITY_EVENT_TYPES.filter((type) => !recorded.includes(type))).toEqual(NOT_YET);
  });

  it('has types that fit into their column', () => {
    for (const type of SECURITY_EVENT_TYPES) expect(type.length).toBeLessThanOrEqual(32);
  });
});
