import { describe, expect, it } from 'vitest';
import { parseDatabaseUrl } from './database-url.js';

describe('parseDatabaseUrl', () => {
  it.each([
    ['sqlite:data/x.sqlite', 'data/x.sqlite'],
    ['sqlite:/var/lib/x.sqlite', '/var/lib/x.sqlite'],
    ['sqlite:///var/lib/x.sqlite', '/var/lib/x.sqlite'],
    ['sqlite:./x y.sqlite', './x y.sqlite'],
  ])('parses %j as a file', (url, file) => {
    expect(parseDatabaseUrl(url)).toEqual({ kind: 'sqlite', file });
  });

  it.each(['postgres://db/x', 'postgresql://u:p%40ss@db:5433/x?sslmode=require', 'postgres://u:p@[::1]/x'])(
    'hands %j on as it is',
    (url) => {
      expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgres', url });
    },
  );

  // Each connection would get an empty database of its own in memory.
  it.each(['sqlite:', 'sqlite::memory:', 'sqlite:file::memory:?cache=shared'])(
    'refuses %j, which has no file',
    (url) => {
      expect(parseDatabaseUrl(url)).toBeUndefined();
    },
  );

  it.each(['', 'x.sqlite', 'file:x.sqlite', 'mysql://db/x', 'postgres:db', 'postgres://db:99999/x', 'POSTGRES'])(
    'does not read %j',
    (url) => {
      expect(parseDatabaseUrl(url)).toBeUndefined();
    },
  );
});
