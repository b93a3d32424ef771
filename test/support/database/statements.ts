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
  const note = (sql: unknown) => {
    const text = typeof sql === 'string' ? sql : (sql as { text: string }).text;
    if (!IN_THE_BACKGROUND.test(text)) statements.push(text.replace(/\s+/g, ' ').trim());
  };
  const spies = isPostgres
    ? [watch(pg.Client.prototype, 'query', note)]
    : SQLITE.map((method) => watchSqlite(method, note));
  return {
    taken: () => {
      const taken = statements;
      statements = [];
      return taken;
    },
    stop: () => spies.forEach((stop) => stop()),
  };
}

const SQLITE = ['all', 'run'] as const;

function watchSqlite(method: (typeof SQLITE)[number], note: (sql: unknown) => void): () => void {
  return watch(sqlite3.Database.prototype, method, note);
}

function watch(target: object, method: string, note: (sql: unknown) => void): () => void {
  const holder = target as Record<string, (...args: unknown[]) => unknown>;
  const original = holder[method]!;
  const spy = vi.spyOn(holder, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
    note(args[0]);
    return original.apply(this, args);
  });
  return () => spy.mockRestore();
}
