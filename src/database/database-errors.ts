import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { Problem } from '../problem/problem.js';

/**
 * SQLSTATE classes and codes that say "not now": connection exceptions (08), no resources (53), operator
 * intervention (57), lock not available, serialization failure, deadlock, read-only after a failover.
 */
const POSTGRES_UNAVAILABLE = /^(08...|53...|57...|55P03|40001|40P01|25006|25P03)$/;
const SQLITE_UNAVAILABLE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PROTOCOL|NOMEM)/;
/** What a retry cannot fix at a start: no such database, user or password; a file that is no database. */
const MISCONFIGURED =
  /^(3D...|28...|SQLITE_(CANTOPEN|NOTADB|READONLY|CORRUPT).*|ENOTDIR|EISDIR|EEXIST|EACCES|EPERM|EROFS)$/;
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;
/** Another transaction has locked the row, or a deadlock was resolved. */
const CONTENTION = /^(55P03|57014|40001|40P01)$/;
/** What `pg` and `pg-pool` say without any code. */
const WITHOUT_CODE =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|client (is|was) closed|server closed the connection/i;

/** 503 `database_unavailable` for an error that a retry can fix; undefined for any other. */
export function databaseProblem(error: unknown): Problem | undefined {
  return isUnavailable(error) ? new Problem('database_unavailable', { cause: error }) : undefined;
}

/** Whether an error of a batch may be the fault of one of its rows: anything but a database out of reach. */
export function mayBeOneRow(error: unknown): boolean {
  return !isUnavailable(error) || CONTENTION.test(codeOf(error));
}

/** Whether a row was refused because another one has its unique value. */
export function isUniqueViolation(error: unknown): boolean {
  const isUnique = error instanceof Error && error.message.includes('UNIQUE constraint failed');
  return codeOf(error) === '23505' || isUnique;
}

/** Whether the database cannot be used until an operator changes DATABASE_URL, or the database itself. */
export function isMisconfigured(error: unknown): boolean {
  return MISCONFIGURED.test(codeOf(error));
}

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A transaction that the server killed: TypeORM then only knows that its connection is gone.
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  if (error instanceof QueryRunnerProviderAlreadyReleasedError) return true;
  const cause = error instanceof QueryFailedError ? (error.driverError as Error) : error;
  const code = codeOf(error);
  if (POSTGRES_UNAVAILABLE.test(code) || SQLITE_UNAVAILABLE.test(code) || NETWORK.test(code)) return true;
  if (cause instanceof AggregateError) return cause.errors.some(isUnavailable);
  return code === '' && WITHOUT_CODE.test(cause.message);
}

function codeOf(error: unknown): string {
  const cause = error instanceof QueryFailedError ? (error.driverError as unknown) : error;
  return String((cause as { code?: unknown } | undefined)?.code ?? '');
}
