import { exitWith } from '../config/process-config.js';
import { databaseProblem } from '../database/database-errors.js';
import { WrongAppSecret } from '../keys/key-store.js';

/** Ends a process that could not start: in plain words where an operator can mend it, with the stack where it is a bug. */
export function explainAndExit(error: unknown): never {
  if (error instanceof WrongAppSecret) exitWith([error.message]);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') exitWith([`${message}: another process listens there. Set PORT to another one.`]);
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    exitWith([`${message}: set PORT and HOST to what this process may use.`]);
  // No such database, or no such user or password (SQLSTATE classes 3D and 28).
  if (/^(3D|28)\w{3}$/.test(code ?? '')) exitWith([`The database refuses DATABASE_URL: ${message}`]);
  if (databaseProblem(error)) {
    process.stderr.write(`The database is out of reach: ${message}\n`);
    process.exit(1);
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
