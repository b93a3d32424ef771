/**
 * A statement written for PostgreSQL, as SQLite understands it: no casts but those of whole numbers (the driver hands
 * over large ones as floating point), no row locks (SQLite has one writer), its own names for `LEAST` and `GREATEST`,
 * and numbered parameters.
 *
 * The line feed in front matters: the driver throws away the rows of a statement that begins with `UPDATE `,
 * `INSERT ` or `DELETE `.
 */
export function toSqlite(sql: string): string {
  const text = sql
    .replace(/\$(\d+)::(bigint|integer)\b/g, 'CAST(?$1 AS INTEGER)')
    .replace(/::[a-z0-9]+(\[\])?/g, '')
    .replace(/\bFOR (NO KEY UPDATE|UPDATE|SHARE)( OF \w+)?( SKIP LOCKED)?/g, '')
    .replace(/\bLEAST\(/g, 'min(')
    .replace(/\bGREATEST\(/g, 'max(')
    .replace(/\$(\d+)/g, '?$1');
  return `\n${text}`;
}
