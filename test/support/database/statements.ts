import pg from 'pg';
import sqlite3 from 'sqlite3';
import { vi } from 'vitest';
import { isPostgres } from './database.js';

/** Statements that a process repeats without any request: revocations, keys, its heartbeat, and the poll of the outbox. */
const IN_THE_BACKGROUND =
  /AS heartbeat|^PRAGMA data_version|FROM "keys"|clock_timestamp|julianday|^\s*WITH due AS|AS oldest FROM outbox/;

/** Records every statement that the driver sends, except those of the background. */
export function watchStatements(): { taken: () => string[]; stop: () => void } {
  let statements: string[] = [];
  const note = (text: string) => {
    if (!IN_THE_BACKGROUND.test(text)) statements.push(text.replace(/\s+/g, ' ').trim());
  };
  const spies = isPostgres
    ? [watch(pg.Client.prototype, 'query', (_client, sql) => note(textOf(sql)))]
    : ['all', 'run'].map((method) => watch(sqlite3.Statement.prototype, method, ({ sql }) => note(sql)));
  return {
    taken: () => {
      const taken = statements;
      statements = [];
      return taken;
    },
    stop: () => spies.forEach((stop) => stop()),
  };
}

function textOf(sql: unknown): string {
  return typeof sql === 'string' ? sql : (sql as { text: string }).text;
}

/** Calls back with the object and the first argument of each call. */
function watch(target: object, method: string, note: (self: { sql: string }, first: unknown) => void): () => void {
  const holder = target as Record<string, (...args: unknown[]) => unknown>;
  const original = holder[method]!;
  const spy = vi.spyOn(holder, method).mockImplementation(function (this: { sql: string }, ...args: unknown[]) {
    note(this, args[0]);
    return original.apply(this, args);
  });
  return () => spy.mockRestore();
}
