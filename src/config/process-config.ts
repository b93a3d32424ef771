import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { loadOrCreateSecret, SECRET_FILE } from './app-secret.js';
import type { Config } from './config.js';
import { ConfigError, loadConfig, type Environment } from './load-config.js';

/** `EX_CONFIG` of sysexits.h: only an operator can help, so a supervisor should not restart the process. */
export const EXIT_CONFIG = 78;

/**
 * The configuration of this process: the environment, then `.env`. A mistake ends the process, with every mistake on
 * stderr. For entry points: `main.ts`, the commands of `cli/`, and `ormconfig.ts`. Commands for an existing installation
 * create no secret: it would not be the one of the servers.
 */
export function readConfigOrExit({ createsSecret }: { createsSecret: boolean }): Config {
  try {
    return loadConfig(withSecret(createsSecret, { ...dotEnv(), ...given(process.env) }));
  } catch (error) {
    exitWith([error instanceof ConfigError ? error.message : unreadable(error)]);
  }
}

/** Ends the process with a message for the operator. */
export function exitWith(lines: string[]): never {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(EXIT_CONFIG);
}

/** An empty variable counts as not set, so that it does not hide the one in `.env`. */
function given(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
}

function dotEnv(): Environment {
  return existsSync('.env') ? parse(readFileSync('.env')) : {};
}

/** Outside production a missing secret is created and kept; production requires one (OWASP ASVS 5.0 13.3.1). */
function withSecret(creates: boolean, environment: Environment): Environment {
  if (environment['APP_SECRET']?.trim() || environment['NODE_ENV'] === 'production') return environment;
  if (!creates && !existsSync(SECRET_FILE)) return environment;
  const { secret, made } = loadOrCreateSecret();
  if (made) process.stderr.write(`Created a secret: ${SECRET_FILE} (only you can read it)\n`);
  return { ...environment, APP_SECRET: secret };
}

function unreadable(error: unknown): string {
  return `The configuration could not be read: ${error instanceof Error ? error.message : String(error)}`;
}
