import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { keepSecret, SECRET_FILE } from './app-secret.js';
import type { Config } from './config.js';
import { ConfigError, loadConfig, type Environment } from './load-config.js';

/** `EX_CONFIG` of sysexits.h: something to mend by hand, so a supervisor should not restart it for ever. */
export const EXIT_CONFIG = 78;

/**
 * The configuration of this process, read once: `.env` (the environment wins), then the environment.
 * A mistake ends the process with every mistake in plain words. `main.ts` and `ormconfig.ts` share it.
 */
export const config: Config = readOrExit();

function readOrExit(): Config {
  try {
    return loadConfig(withSecret({ ...dotEnv(), ...given(process.env) }));
  } catch (error) {
    exitWith([error instanceof ConfigError ? error.message : reason(error)]);
  }
}

/** Ends the process because an operator has to mend something. */
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

/** Outside production a missing secret is made and kept; production has to say it (OWASP ASVS 5.0 13.3.1). */
function withSecret(environment: Environment): Environment {
  if (environment['APP_SECRET']?.trim() || environment['NODE_ENV'] === 'production') return environment;
  const { secret, made } = keepSecret();
  if (made) process.stderr.write(`Made a secret for this machine: ${SECRET_FILE} (only you can read it)\n`);
  return { ...environment, APP_SECRET: secret };
}

function reason(error: unknown): string {
  return `The configuration could not be read: ${error instanceof Error ? error.message : String(error)}`;
}
