import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, type ProblemKind } from './catalogue.js';

interface Row {
  code: string;
  status: number;
  terminal: boolean;
  retryAfter: number | undefined;
  advice: string;
}

const kinds: [code: string, kind: ProblemKind][] = Object.entries(CATALOGUE);
const documented = readTable('docs/errors.md');
const TERMINAL = ['refresh_token_invalid', 'refresh_token_reused', 'session_expired', 'session_revoked'];

describe('docs/errors.md', () => {
  it('documents every code of the catalogue once, and no other', () => {
    expect(documented.map(({ code }) => code).sort()).toEqual(kinds.map(([code]) => code).sort());
  });

  it.each(documented)('describes $code as the catalogue does', ({ code, status, terminal, retryAfter, advice }) => {
    const kind = new Map(kinds).get(code);
    expect({ status, terminal, retryAfter }).toEqual({
      status: kind?.status,
      terminal: kind?.terminal ?? false,
      retryAfter: kind?.retryAfter,
    });
    expect(advice).toMatch(/^[A-Z].*\.$/);
  });
});

describe('the problem catalogue', () => {
  it('has exactly four terminal codes', () => {
    const terminal = kinds.filter(([, kind]) => kind.terminal).map(([code]) => code);
    expect(terminal.sort()).toEqual(TERMINAL);
  });

  it('has no terminal code with status 429 or 5xx', () => {
    const passing = kinds.filter(([, { status }]) => status === 429 || status >= 500);
    expect(passing.filter(([, { terminal }]) => terminal !== undefined)).toEqual([]);
    expect(passing.length).toBeGreaterThan(1);
  });

  it('says how long to wait with every 408, 429 and 503', () => {
    const waiting = kinds.filter(([, { status }]) => [408, 429, 503].includes(status));
    expect(waiting.filter(([, { retryAfter = 0 }]) => !Number.isInteger(retryAfter) || retryAfter < 1)).toEqual([]);
    expect(waiting.length).toBeGreaterThan(1);
  });

  it.each(kinds)('%s is in snake_case, with a 4xx or 5xx status and a unique text', (code, kind) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(kind.status).toBeGreaterThanOrEqual(400);
    expect(kind.status).toBeLessThan(600);
    expect(kind.title).toMatch(/^[A-Z].*[^.]$/);
    expect(kind.detail).toMatch(/^[A-Z].*\.$/);
    expect(kinds.filter(([, { title }]) => title === kind.title)).toHaveLength(1);
  });
});

/** Parses the table of the page: code, status, terminal, Retry-After, what to do. Throws on a malformed row. */
function readTable(file: string): Row[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const [head = '', , ...rows] = lines.filter((line) => line.startsWith('|'));
  if (!/^\| code +\| status +\| terminal +\| Retry-After +\| what to do +\|$/.test(head)) throw new Error(head);
  return rows.map((line) => {
    const cells = /^\| `([^`]+)` +\| (\d+) +\| (yes|no) +\| (\d*) +\| ([^|]*[^| ]) *\|$/.exec(line);
    if (!cells) throw new Error(`Not a row: ${line}`);
    const [, code = '', status, terminal, retryAfter, advice = ''] = cells;
    return {
      code,
      status: Number(status),
      terminal: terminal === 'yes',
      retryAfter: retryAfter === '' ? undefined : Number(retryAfter),
      advice,
    };
  });
}
