import { exitWith } from '../config/process-config.js';
import { databaseProblem } from '../database/database-errors.js';
import { WrongAppSecretError } from '../key-store/key-store.js';
import { UnusableTemplateError } from '../mail/template-files.js';
import { UnusableDatabaseError } from './open-database.js';

const CANNOT_LISTEN: Record<string, string> = {
  EADDRINUSE: 'another process listens there. Set PORT to another one.',
  EACCES: 'this process may not listen there. Set PORT to one above 1023.',
  EADDRNOTAVAIL: 'this machine has no such address. Set HOST to one of its own.',
  ENOTFOUND: 'there is no such name. Set HOST to an address of this machine.',
  EAI_AGAIN: 'the name could not be looked up. Set HOST to an address of this machine.',
};

/** `bind` is that of a worker. */
const LISTENING = ['listen', 'bind', 'getaddrinfo'];

/** Ends a process that could not start. What an operator can fix is explained; a bug comes with its stack. */
export function explainAndExit(error: unknown): never {
  const unusable = [WrongAppSecretError, UnusableDatabaseError, UnusableTemplateError];
  if (unusable.some((kind) => error instanceof kind)) exitWith([(error as Error).message]);
  const { code = '', message, syscall = '' } = error as NodeJS.ErrnoException;
  const listening = LISTENING.includes(syscall) ? CANNOT_LISTEN[code] : undefined;
  if (listening) exitWith([`${message}: ${listening}`]);
  if (databaseProblem(error)) {
    process.stderr.write(`The database is not reachable: ${message}\n`);
    process.exit(1);
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
