/**
 * A statement written for PostgreSQL, as SQLite understands it: no casts but those of whole numbers (the driver passes
 * large ones as floating point), no row locks (SQLite has one writer), its own names for `LEAST` and `GREATEST`, and
 * numbered parameters.
 */
export function toSqlite(sql: string): string {
  return sql
    .replace(/\$(\d+)::(bigint|integer)\b/g, 'CAST(?$1 AS INTEGER)')
    .replace(/::[a-z0-9]+(\[\])?/g, '')
    .replace(/\bFOR (NO KEY UPDATE|UPDATE|SHARE)( OF \w+)?( SKIP LOCKED)?/g, '')
    .replace(/\bLEAST\(/g, 'min(')
    .replace(/\bGREATEST\(/g, 'max(')
    .replace(/\$(\d+)/g, '?$1');
}
