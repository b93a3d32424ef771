import { ArrayNotEmpty, IsDefined, IsIn, IsInt, IsUrl, Matches, Max, Min } from 'class-validator';
import { parseDatabaseUrl, parsePostgresUrl, type DatabaseTarget } from './database-url.js';
import { parseDuration } from './duration.js';
import { Env } from './env.js';
import { parseIntrospectionClients, type IntrospectionClient } from './introspection-clients.js';
import { parseMailFrom, type MailFrom } from './mail-from.js';
import { parseSmtpUrl, type SmtpServer } from './smtp-url.js';
import { parseRateLimitOverrides, type RateLimitOverrides } from './rate-limit-policies.js';
import { parseTrustProxy, type TrustProxy } from './trust-proxy.js';
import { IsOrigin, MinBytes } from './validators.js';
import { parseWorkers } from './workers.js';

const ANY_HOST = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Everything that can be configured, by the environment variable named in `@Env`. Durations are written like `15m`,
 * `60s` or `0s`, and kept in milliseconds. The variables are explained in `docs/operations.md` and `.env.example`.
 */
export class Config {
  @Env('NODE_ENV')
  @IsIn(['development', 'test', 'production'], { message: 'must be development, test or production' })
  nodeEnv: string = 'development';

  @Env('PORT', Number)
  @Min(0, { message: 'must be at least 0' })
  @Max(65_535, { message: 'must be at most 65535' })
  @IsInt({ message: 'must be a whole number' })
  port: number = 3000;

  @Env('HOST')
  host: string = '127.0.0.1';

  /** `iss` of every token, and the address under which browsers reach this server. By default localhost and PORT. */
  @Env('ISSUER')
  @IsUrl({ ...ANY_HOST, disallow_auth: true }, { message: 'must be an http(s) URL' })
  @Matches(/^[^?#]*[^/?#]$/, { message: 'must have no query, no fragment and no slash at its end' })
  issuer: string = 'http://localhost:3000';

  @Env('DATABASE_URL', parseDatabaseUrl)
  @IsDefined({ message: 'must be sqlite:path/to/file or postgres://user:password@host/database' })
  database: DatabaseTarget = { kind: 'sqlite', file: 'data/latchkey.sqlite' };

  /** PostgreSQL itself, where DATABASE_URL is a pooler: migrations and LISTEN need a session. */
  @Env('DATABASE_DIRECT_URL', parsePostgresUrl)
  @IsDefined({ message: 'must be postgres://user:password@host/database' })
  databaseDirectUrl: string = '';

  @Env('DATABASE_POOL_SIZE', Number)
  @Min(1, { message: 'must be at least 1' })
  @Max(1000, { message: 'must be at most 1000' })
  @IsInt({ message: 'must be a whole number' })
  databasePoolSize: number = 10;

  /** Processes that serve, on this machine. */
  @Env('WORKERS', parseWorkers)
  @Min(1, { message: 'must be at least 1' })
  @Max(256, { message: 'must be at most 256' })
  @IsInt({ message: 'must be auto, or a whole number' })
  workers: number = 1;

  @Env('SHUTDOWN_DEADLINE', parseDuration)
  @Max(HOUR, { message: 'must be at most 1h' })
  @IsInt({ message: 'must be a duration like 15s' })
  shutdownDeadlineMs: number = 15_000;

  /** The first signs and encrypts; all of them verify and decrypt. */
  @Env('APP_SECRET', commaList)
  @ArrayNotEmpty({ message: 'must be set: openssl rand -base64 48' })
  @MinBytes(32, { each: true, message: 'each secret must have at least 32 bytes: openssl rand -base64 48' })
  appSecrets: string[] = [];

  @Env('ACCESS_TOKEN_TTL', parseDuration)
  @Min(1000, { message: 'must be at least 1s' })
  @Max(DAY, { message: 'must be at most 1d' })
  @IsInt({ message: 'must be a duration like 15m' })
  accessTokenTtlMs: number = 15 * 60_000;

  /** Age of a signing key at which the next one is created; 0: only by `npm run keys:rotate`. */
  @Env('KEY_ROTATION_INTERVAL', parseDuration)
  @Max(400 * DAY, { message: 'must be at most 400d' })
  @IsInt({ message: 'must be a duration like 90d' })
  keyRotationIntervalMs: number = 90 * DAY;

  @Env('REFRESH_IDLE_TTL', parseDuration)
  @Min(1000, { message: 'must be at least 1s' })
  @IsInt({ message: 'must be a duration like 7d' })
  refreshIdleTtlMs: number = 7 * DAY;

  @Env('SESSION_TTL', parseDuration)
  @Min(1000, { message: 'must be at least 1s' })
  @Max(400 * DAY, { message: 'must be at most 400d' })
  @IsInt({ message: 'must be a duration like 30d' })
  sessionTtlMs: number = 30 * DAY;

  /** C of the rotation rules: how long a refresh token stays the newest after its client acknowledged it. */
  @Env('REFRESH_ROTATION_INTERVAL', parseDuration)
  @IsInt({ message: 'must be a duration like 120s' })
  rotationIntervalMs: number = 120_000;

  /** L of the rotation rules: how long the previous refresh token is accepted after that. */
  @Env('REFRESH_LEEWAY', parseDuration)
  @IsInt({ message: 'must be a duration like 60s' })
  leewayMs: number = 60_000;

  /** One more sign-in revokes the least recently used session. */
  @Env('MAX_SESSIONS_PER_USER', Number)
  @Min(1, { message: 'must be at least 1' })
  @Max(10_000, { message: 'must be at most 10000' })
  @IsInt({ message: 'must be a whole number' })
  maxSessionsPerUser: number = 50;

  @Env('PASSWORD_MIN_LENGTH', Number)
  @Min(8, { message: 'must be at least 8' })
  @Max(64, { message: 'must be at most 64' })
  @IsInt({ message: 'must be a whole number' })
  passwordMinLength: number = 15;

  @Env('BCRYPT_COST', Number)
  @Min(4, { message: 'must be at least 4' })
  @Max(16, { message: 'must be at most 16' })
  @IsInt({ message: 'must be a whole number' })
  bcryptCost: number = 12;

  @Env('CORS_ORIGINS', commaList)
  @IsOrigin({ each: true, message: 'must be a comma list of origins like https://app.example.com (no path, no *)' })
  corsOrigins: string[] = [];

  /** Accepts CORS_ORIGINS over plain http in production: whoever is on the way can read the tokens of their users. */
  @Env('DANGEROUSLY_ALLOW_HTTP_ORIGINS')
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  dangerouslyAllowHttpOrigins: string = 'off';

  /** Proxies whose `X-Forwarded-For` is trusted: a number of hops, or addresses. */
  @Env('TRUST_PROXY', parseTrustProxy)
  @IsDefined({
    message:
      'must be off, a number of proxies from 1 to 9, or a comma list of their addresses and networks (at most a /8, IPv6 /7)',
  })
  trustProxy: TrustProxy = false;

  @Env('CLIENT_ID')
  @Matches(/^[\x21-\x7e]{1,64}$/, { message: 'must be 1 to 64 visible ASCII characters' })
  clientId: string = 'latchkey-spa';

  /** Services that may introspect tokens (RFC 7662). */
  @Env('INTROSPECTION_CLIENTS', parseIntrospectionClients)
  @IsDefined({
    message:
      'must be a comma list of id:secret, no id twice, each secret of at least 32 visible ASCII characters: ' +
      'openssl rand -hex 32',
  })
  introspectionClients: IntrospectionClient[] = [];

  @Env('SWAGGER')
  @IsIn(['on', 'off', ''], { message: 'must be on or off' })
  swagger: string = '';

  @Env('LOG_LEVEL')
  @IsIn(LOG_LEVELS, { message: `must be one of ${LOG_LEVELS.join(', ')}` })
  logLevel: string = 'info';

  /** The Bearer token for `GET /metrics` (characters: RFC 6750 section 2.1). */
  @Env('METRICS_TOKEN')
  @Matches(/^(?=.{32,512}$)[\w.~+/-]+=*$/, {
    message: 'must be 32 to 512 of the characters A-Z a-z 0-9 - . _ ~ + / with = at the end: openssl rand -base64 48',
  })
  metricsToken: string = '';

  /** off is for benchmarks: passwords can then be guessed without limit. */
  @Env('RATE_LIMITS')
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  rateLimits: string = 'on';

  @Env('RATE_LIMIT_OVERRIDES', parseRateLimitOverrides)
  @IsDefined({
    message:
      'must be a comma list like password-address=100/10m: each limit of docs/operations.md once, 1 to 1000000 points ' +
      'in 1s to 1d',
  })
  rateLimitOverrides: RateLimitOverrides = {};

  /** Whether those who are over a soft limit have to solve a challenge. */
  @Env('PROOF_OF_WORK')
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  proofOfWork: string = 'off';

  @Env('SMTP_URL', parseSmtpUrl)
  @IsDefined({
    message: 'must be smtp://user:password@host:587 or smtps://user:password@host, and nothing after the port',
  })
  smtp: SmtpServer | null = null;

  @Env('MAIL_FROM', parseMailFrom)
  @IsDefined({ message: 'must be an e-mail address, or: Name <address>' })
  mailFrom: MailFrom | null = null;

  /** A folder with templates that replace those of `src/mail/templates`. */
  @Env('MAIL_TEMPLATES')
  mailTemplates: string = '';

  /** Mails of one kind of occasion to one address in an hour; further ones are dropped. */
  @Env('MAIL_RECIPIENT_LIMIT', Number)
  @Min(1, { message: 'must be at least 1' })
  @Max(1000, { message: 'must be at most 1000' })
  @IsInt({ message: 'must be a whole number' })
  mailRecipientLimit: number = 5;

  /** Mails to the addresses of one domain in an hour; further ones wait. */
  @Env('MAIL_DOMAIN_LIMIT', Number)
  @Min(1, { message: 'must be at least 1' })
  @Max(1_000_000, { message: 'must be at most 1000000' })
  @IsInt({ message: 'must be a whole number' })
  mailDomainLimit: number = 500;

  /** Mails in an hour; further ones wait. */
  @Env('MAIL_TOTAL_LIMIT', Number)
  @Min(1, { message: 'must be at least 1' })
  @Max(1_000_000, { message: 'must be at most 1000000' })
  @IsInt({ message: 'must be a whole number' })
  mailTotalLimit: number = 2000;

  /** The page that handles the links of mails. Outside production the demo, unless it is set. */
  @Env('APP_URL')
  @IsUrl({ ...ANY_HOST, disallow_auth: true }, { message: 'must be an http(s) URL' })
  @Matches(/^[^#]+$/, { message: 'must have no fragment: secrets of links are put there' })
  appUrl: string = '';

  /** Whether accounts need a verified address. */
  @Env('EMAIL_VERIFICATION')
  @IsIn(['off', 'required'], { message: 'must be off or required' })
  emailVerification: string = 'off';

  /** Where new passwords are looked up among breached ones: the address of a k-anonymity range query. Empty: nowhere. */
  @Env('PWNED_PASSWORDS_URL')
  @Matches(/^[^?#]+$/, { message: 'must have no query and no fragment' })
  @IsUrl({ ...ANY_HOST, disallow_auth: true }, { message: 'must be an http(s) URL' })
  pwnedPasswordsUrl: string = '';

  /** How long security events are kept. */
  @Env('AUDIT_RETENTION', parseDuration)
  @Min(DAY, { message: 'must be at least 1d' })
  @Max(36_500 * DAY, { message: 'must be at most 36500d' })
  @IsInt({ message: 'must be a duration like 400d' })
  auditRetentionMs: number = 400 * DAY;

  get requiresVerifiedEmail(): boolean {
    return this.emailVerification === 'required';
  }

  get isProduction(): boolean {
    return this.nodeEnv === 'production';
  }

  /** Swagger UI and `openapi.json`: in production only with SWAGGER=on. */
  get swaggerEnabled(): boolean {
    return this.swagger === '' ? !this.isProduction : this.swagger === 'on';
  }

  /** `GET /metrics`: in production only with METRICS_TOKEN. */
  get metricsEnabled(): boolean {
    return !this.isProduction || this.metricsToken !== '';
  }

  /** Whether mail goes anywhere: to SMTP_URL, or outside production to `/dev/mail`. */
  get mailEnabled(): boolean {
    return this.smtp !== null || this.servesDevMail;
  }

  /** `GET /dev/mail`: mail is kept in the database and shown there. Never in production. */
  get servesDevMail(): boolean {
    return !this.isProduction && this.smtp === null;
  }
}

function commaList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
