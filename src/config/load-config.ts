import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Config } from './config.js';
import { envName } from './env.js';
import { isGuessable } from './guessable.js';

export type Environment = Record<string, string | undefined>;

/** Lists every mistake of the environment, a line each. No line contains a secret. */
export class ConfigError extends Error {
  constructor(readonly mistakes: string[]) {
    super(['The configuration is not usable:', ...mistakes].join('\n  '));
  }
}

/** Reads and validates the configuration. An empty variable counts as not set. Throws `ConfigError`. */
export function loadConfig(environment: Environment): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  const config = plainToInstance(Config, given, { excludeExtraneousValues: true, exposeDefaultValues: true });
  if (!('ISSUER' in given)) config.issuer = localIssuer(config.port);
  if (!('APP_URL' in given) && !config.isProduction) config.appUrl = `${config.issuer}/demo`;
  const set = (property: string) => envName(property) in given || property === 'appSecrets';

  const errors = validateSync(config, { stopAtFirstError: true }).filter((error) => set(error.property));
  const wrong = new Set(errors.map((error) => error.property));
  const mistakes = [
    ...errors.map((error) => {
      const [text = 'is not valid'] = Object.values(error.constraints ?? {});
      return `${envName(error.property)} ${text}`;
    }),
    ...contradictions(config, wrong),
    ...(config.isProduction && !('ISSUER' in given) ? [NO_ISSUER] : []),
  ];
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

/** With PORT=0 the port is not known yet: tokens need an issuer that is the same after a restart. */
function localIssuer(port: number): string {
  return `http://localhost:${Number.isInteger(port) && port > 0 ? port : new Config().port}`;
}

const NO_ISSUER = 'ISSUER must be set in production: the https URL under which browsers reach this server';

type Rule = { about: (keyof Config)[]; holds: (config: Config) => boolean; text: string };

const RANDOM = 'must be random in production: openssl rand -base64 48';
const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i;
const HTTPS = /^https:\/\//i;

/**
 * Rules about several variables, or about production. Sources: `docs/rotation.md`, OWASP ASVS 5.0 11.2.3 (secrets), 11.4.2
 * (bcrypt), 12.2.1 (https).
 */
const RULES: Rule[] = [
  {
    about: ['rotationIntervalMs', 'leewayMs'],
    holds: ({ rotationIntervalMs: c, leewayMs: l }) => (c === 0 && l === 0) || (c > 0 && c >= 2 * l),
    text: 'REFRESH_ROTATION_INTERVAL must be at least twice REFRESH_LEEWAY, or both 0s',
  },
  {
    about: ['refreshIdleTtlMs', 'rotationIntervalMs'],
    holds: (config) => config.refreshIdleTtlMs > config.rotationIntervalMs,
    text: 'REFRESH_IDLE_TTL must be longer than REFRESH_ROTATION_INTERVAL: sessions would expire before they rotate',
  },
  {
    about: ['refreshIdleTtlMs', 'sessionTtlMs'],
    holds: (config) => config.refreshIdleTtlMs <= config.sessionTtlMs,
    text: 'REFRESH_IDLE_TTL must not be longer than SESSION_TTL',
  },
  {
    about: ['keyRotationIntervalMs'],
    holds: ({ keyRotationIntervalMs: interval }) => interval === 0 || interval >= 3_600_000,
    text: 'KEY_ROTATION_INTERVAL must be at least 1h, or 0s to rotate keys only by npm run keys:rotate',
  },
  {
    about: ['databaseDirectUrl', 'database'],
    holds: (config) => config.databaseDirectUrl === '' || config.database.kind === 'postgres',
    text: 'DATABASE_DIRECT_URL is for PostgreSQL only, and DATABASE_URL names a SQLite file',
  },
  {
    about: ['workers', 'database'],
    holds: ({ workers, database }) => workers === 1 || database.kind === 'postgres',
    text: 'WORKERS above 1 needs PostgreSQL (DATABASE_URL=postgres://…): SQLite serves one process. Set WORKERS=1 for it',
  },
  {
    about: ['metricsToken', 'appSecrets'],
    holds: ({ metricsToken, appSecrets }) => !appSecrets.includes(metricsToken),
    text: 'METRICS_TOKEN must not be in APP_SECRET: a scraper could sign tokens',
  },
  {
    about: ['introspectionClients', 'appSecrets'],
    holds: ({ introspectionClients, appSecrets }) =>
      !introspectionClients.some(({ secret }) => appSecrets.includes(secret)),
    text: 'INTROSPECTION_CLIENTS must have no secret that is in APP_SECRET: a service could sign tokens',
  },
  {
    about: ['introspectionClients', 'metricsToken'],
    holds: ({ introspectionClients, metricsToken }) =>
      introspectionClients.every(({ secret }) => secret !== metricsToken),
    text: 'INTROSPECTION_CLIENTS must have no secret that is METRICS_TOKEN: a scraper could introspect tokens',
  },
  {
    about: ['introspectionClients'],
    holds: ({ introspectionClients: clients }) => new Set(clients.map(({ secret }) => secret)).size === clients.length,
    text: 'INTROSPECTION_CLIENTS must have a different secret for each: one service could impersonate another',
  },
  inProduction(
    ['appSecrets'],
    ({ appSecrets }) => !appSecrets.every(isGuessable),
    `APP_SECRET ${RANDOM} (to replace that of an existing database: docs/operations.md, Secrets)`,
  ),
  inProduction(
    ['metricsToken'],
    ({ metricsToken: token }) => token === '' || !isGuessable(token),
    `METRICS_TOKEN ${RANDOM}`,
  ),
  inProduction(
    ['introspectionClients'],
    ({ introspectionClients }) => !introspectionClients.some(({ secret }) => isGuessable(secret)),
    'INTROSPECTION_CLIENTS must have random secrets in production: openssl rand -hex 32',
  ),
  inProduction(['bcryptCost'], ({ bcryptCost }) => bcryptCost >= 10, 'BCRYPT_COST must be at least 10 in production'),
  inProduction(
    ['issuer'],
    ({ issuer }) => HTTPS.test(issuer) || LOOPBACK.test(issuer),
    'ISSUER must be an https URL in production (http only for localhost)',
  ),
  {
    about: ['proofOfWork', 'rateLimits'],
    holds: ({ proofOfWork, rateLimits }) => proofOfWork === 'off' || rateLimits === 'on',
    text: 'PROOF_OF_WORK=on needs RATE_LIMITS=on: challenges are for those who are over a soft limit',
  },
  {
    about: ['smtp', 'mailFrom'],
    holds: ({ smtp, mailFrom }) => smtp === null || mailFrom !== null,
    text: 'MAIL_FROM must be set with SMTP_URL: Name <address>',
  },
  inProduction(
    ['smtp', 'appUrl'],
    ({ smtp, appUrl }) => smtp === null || appUrl !== '',
    'APP_URL must be set with SMTP_URL in production: the page that handles the links of mails',
  ),
  inProduction(
    ['appUrl'],
    ({ appUrl }) => appUrl === '' || HTTPS.test(appUrl) || LOOPBACK.test(appUrl),
    'APP_URL must be an https URL in production (http only for localhost)',
  ),
  inProduction(
    ['pwnedPasswordsUrl'],
    ({ pwnedPasswordsUrl: url }) => url === '' || HTTPS.test(url) || LOOPBACK.test(url),
    'PWNED_PASSWORDS_URL must be an https URL in production (http only for localhost)',
  ),
  inProduction(
    ['emailVerification', 'smtp'],
    (config) => config.mailEnabled || !config.requiresVerifiedEmail,
    'EMAIL_VERIFICATION=required needs SMTP_URL in production: nobody could verify an address',
  ),
  inProduction(
    ['corsOrigins', 'dangerouslyAllowHttpOrigins'],
    ({ corsOrigins, dangerouslyAllowHttpOrigins: allowed }) =>
      allowed === 'on' || corsOrigins.every((origin) => HTTPS.test(origin)),
    'CORS_ORIGINS must be https origins in production (or set DANGEROUSLY_ALLOW_HTTP_ORIGINS=on)',
  ),
];

function inProduction(about: Rule['about'], holds: Rule['holds'], text: string): Rule {
  return { about, holds: (config) => !config.isProduction || holds(config), text };
}

function contradictions(config: Config, wrong: Set<string>): string[] {
  return RULES.filter(({ about, holds }) => !about.some((name) => wrong.has(name)) && !holds(config)).map(
    ({ text }) => text,
  );
}
