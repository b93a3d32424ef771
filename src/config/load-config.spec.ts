import { availableParallelism } from 'node:os';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { LogDestination } from '../http/log-destination.js';
import { serverOptions } from '../http/server-options.js';
import { Config } from './config.js';
import { envName } from './env.js';
import { ConfigError, loadConfig, type Environment } from './load-config.js';
import type { SmtpServer } from './smtp-url.js';

const APP_SECRET = 'thirty-two bytes and not one more';
const RANDOM = 'kVrJ0bM7t2QyXn9sHc4LzDf6GpWa1ReU';
const PRODUCTION = { NODE_ENV: 'production', APP_SECRET: RANDOM, ISSUER: 'https://auth.example.com' };
const DAY = 86_400_000;

interface Variable {
  property: keyof Config;
  /** The value without the variable. */
  otherwise: unknown;
  /** Other required variables. */
  beside?: Environment;
  good: Record<string, unknown>;
  bad: string[];
}

/** Splits values, none of which contains a bar. */
const list = (values: string) => values.split(' | ');
const NO_DURATIONS = list('15 | 15 m | -1s | 1.5h | 15M | 1m30s | soon | ١٥m | 9999999999s | Infinitys');
const NO_NUMBERS = list('x | 1.5 | -1 | NaN | Infinity | 1,000 | 1_000');
const POSTGRES = 'postgres://u:p@db:5433/x';
const LONG = 'a secret of hunter2'.replaceAll(' ', '-').repeat(2);

const smtpServer = (more: Partial<SmtpServer>): SmtpServer => ({
  host: 'mail.example.com',
  port: 587,
  isImplicitTls: false,
  isLoopback: false,
  auth: null,
  ...more,
});

const VARIABLES: Record<string, Variable> = {
  NODE_ENV: { property: 'nodeEnv', otherwise: 'development', good: { test: 'test' }, bad: [] },
  PORT: { property: 'port', otherwise: 3000, good: { '0': 0, '65535': 65_535 }, bad: [...NO_NUMBERS, '65536', 'http'] },
  HOST: { property: 'host', otherwise: '127.0.0.1', good: { '0.0.0.0': '0.0.0.0', '::1': '::1' }, bad: [] },
  ISSUER: {
    property: 'issuer',
    otherwise: 'http://localhost:3000',
    good: { 'https://auth.example.com': 'https://auth.example.com', 'https://a.test/auth': 'https://a.test/auth' },
    bad: list(
      'localhost:3000 | ftp://a.test | https:// | javascript:alert(1) | https://a b | https://a.test/ | ' +
        'https://a.test?x=1 | https://a.test/#x | https://user:hunter2@a.test',
    ),
  },
  DATABASE_URL: {
    property: 'database',
    otherwise: { kind: 'sqlite', file: 'data/latchkey.sqlite' },
    good: {
      'sqlite:x/y.sqlite': { kind: 'sqlite', file: 'x/y.sqlite' },
      [POSTGRES]: { kind: 'postgres', url: POSTGRES },
    },
    bad: list('mysql://u:hunter2@db/x | sqlite: | sqlite::memory: | x.sqlite | postgres://u:hunter2@db:99999/x'),
  },
  DATABASE_DIRECT_URL: {
    property: 'databaseDirectUrl',
    otherwise: '',
    beside: { DATABASE_URL: POSTGRES },
    good: { [POSTGRES]: POSTGRES },
    bad: list('mysql://u:hunter2@db/x | sqlite:x | db:5432 | postgres://u:hunter2@db:99999/x'),
  },
  DATABASE_POOL_SIZE: {
    property: 'databasePoolSize',
    otherwise: 10,
    good: { '1': 1, '1000': 1000 },
    bad: [...NO_NUMBERS, '0', '1001'],
  },
  WORKERS: {
    property: 'workers',
    otherwise: 1,
    beside: { DATABASE_URL: POSTGRES },
    good: { '1': 1, '256': 256, auto: availableParallelism() },
    bad: [...NO_NUMBERS, '0', '257', 'AUTO', 'max'],
  },
  KEY_ROTATION_INTERVAL: {
    property: 'keyRotationIntervalMs',
    otherwise: 90 * 86_400_000,
    good: { '0s': 0, '1h': 3_600_000, '400d': 400 * 86_400_000 },
    bad: [...NO_DURATIONS, '59m', '401d'],
  },
  SHUTDOWN_DEADLINE: {
    property: 'shutdownDeadlineMs',
    otherwise: 15_000,
    good: { '1s': 1000, '2m': 120_000 },
    // Longer than the maximum of a Node timer, which would then fire at once.
    bad: [...NO_DURATIONS, '25d'],
  },
  APP_SECRET: {
    property: 'appSecrets',
    otherwise: [],
    good: {
      ['s'.repeat(32)]: ['s'.repeat(32)],
      ['é'.repeat(16)]: ['é'.repeat(16)],
      [` ${'a'.repeat(32)} ,${'b'.repeat(32)},`]: ['a'.repeat(32), 'b'.repeat(32)],
    },
    bad: ['hunter2', 's'.repeat(31), `${'s'.repeat(32)},hunter2`, ',', ' , ,'],
  },
  ACCESS_TOKEN_TTL: {
    property: 'accessTokenTtlMs',
    otherwise: 900_000,
    good: { '1s': 1000, '30m': 1_800_000, '1d': DAY },
    bad: [...NO_DURATIONS, '0s', '999ms', '25h'],
  },
  REFRESH_IDLE_TTL: {
    property: 'refreshIdleTtlMs',
    otherwise: 7 * DAY,
    good: { '121s': 121_000, '30d': 30 * DAY },
    bad: [...NO_DURATIONS, '0s', '120s', '31d'],
  },
  SESSION_TTL: {
    property: 'sessionTtlMs',
    otherwise: 30 * DAY,
    good: { '7d': 7 * DAY, '400d': 400 * DAY },
    bad: [...NO_DURATIONS, '0s', '401d', '6d'],
  },
  REFRESH_ROTATION_INTERVAL: {
    property: 'rotationIntervalMs',
    otherwise: 120_000,
    good: { '120s': 120_000, '5m': 300_000 },
    bad: [...NO_DURATIONS, '0s', '119s'],
  },
  REFRESH_LEEWAY: {
    property: 'leewayMs',
    otherwise: 60_000,
    good: { '0s': 0, '60s': 60_000 },
    bad: [...NO_DURATIONS, '61s'],
  },
  MAX_SESSIONS_PER_USER: {
    property: 'maxSessionsPerUser',
    otherwise: 50,
    good: { '1': 1, '10000': 10_000 },
    bad: [...NO_NUMBERS, '0', '10001'],
  },
  PASSWORD_MIN_LENGTH: {
    property: 'passwordMinLength',
    otherwise: 15,
    good: { '8': 8, '64': 64 },
    bad: [...NO_NUMBERS, '7', '65'],
  },
  BCRYPT_COST: { property: 'bcryptCost', otherwise: 12, good: { '4': 4, '16': 16 }, bad: [...NO_NUMBERS, '3', '17'] },
  CORS_ORIGINS: {
    property: 'corsOrigins',
    otherwise: [],
    good: {
      'https://a.test': ['https://a.test'],
      'https://a.test, http://localhost:5173,http://[::1]:1': [
        'https://a.test',
        'http://localhost:5173',
        'http://[::1]:1',
      ],
    },
    bad: list(
      '* | null | https://a.test/ | https://a.test/path | a.test | https://A.test | https://a.test:443 | file:// | ' +
        'https://*.a.test | https://user@a.test | https://a.test,* | https://a.test?x | ws://a.test',
    ),
  },
  TRUST_PROXY: {
    property: 'trustProxy',
    otherwise: false,
    good: { off: false, '0': false, '1': 1, loopback: ['loopback'], '10.0.0.0/8, ::1': ['10.0.0.0/8', '::1'] },
    bad: list(
      'true | on | * | 10 | 99 | -1 | 10.0.0 | 10.0.0.0/33 | 10.0.0.1, | , | proxy.internal | 0.0.0.0/0 | ::/0',
    ),
  },
  DANGEROUSLY_ALLOW_HTTP_ORIGINS: {
    property: 'dangerouslyAllowHttpOrigins',
    otherwise: 'off',
    good: { on: 'on', off: 'off' },
    bad: ['yes', 'true', 'ON'],
  },
  CLIENT_ID: {
    property: 'clientId',
    otherwise: 'latchkey-spa',
    good: { web: 'web', ['x'.repeat(64)]: 'x'.repeat(64) },
    bad: ['two words', 'x'.repeat(65), 'naïve', 'tab\there'],
  },
  INTROSPECTION_CLIENTS: {
    property: 'introspectionClients',
    otherwise: [],
    good: {
      [`api:${LONG}`]: [{ id: 'api', secret: LONG }],
      [`api:${LONG}, https//x:a:${LONG}`]: [
        { id: 'api', secret: LONG },
        { id: 'https//x', secret: `a:${LONG}` },
      ],
    },
    bad: [
      'api',
      'api:',
      'api:hunter2',
      `api:${'s'.repeat(31)}`,
      `:${LONG}`,
      LONG,
      `api:${LONG},`,
      `api:${LONG},other:hunter2`,
      `api:${LONG},api:${LONG}x`,
      `api:hunter2 and ${LONG}`,
      `api:${'é'.repeat(32)}`,
    ],
  },
  SWAGGER: { property: 'swagger', otherwise: '', good: { on: 'on', off: 'off' }, bad: ['yes', 'ON', 'true', '1'] },
  METRICS_TOKEN: {
    property: 'metricsToken',
    otherwise: '',
    good: { ['t'.repeat(32)]: 't'.repeat(32), ['aZ0-._~+/'.repeat(4) + '==']: 'aZ0-._~+/'.repeat(4) + '==' },
    bad: [
      'hunter2',
      't'.repeat(31),
      't'.repeat(513),
      ...['two words', 'é', 'a=b', '"', 'a,b'].map((text) => 't'.repeat(32) + text),
    ],
  },
  RATE_LIMITS: {
    property: 'rateLimits',
    otherwise: 'on',
    good: { on: 'on', off: 'off' },
    bad: ['yes', 'false', 'OFF'],
  },
  PROOF_OF_WORK: {
    property: 'proofOfWork',
    otherwise: 'off',
    good: { on: 'on', off: 'off' },
    bad: ['yes', 'true', 'ON'],
  },
  RATE_LIMIT_OVERRIDES: {
    property: 'rateLimitOverrides',
    otherwise: {},
    good: {
      'password-address=100/10m': { 'password-address': { points: 100, windowMs: 600_000 } },
      'refresh-session=1/1s, mail-network=1000000/1d': {
        'refresh-session': { points: 1, windowMs: 1000 },
        'mail-network': { points: 1_000_000, windowMs: DAY },
      },
    },
    bad: list(
      'password=100/10m | password-account=100/10m | constructor=1/1m | password-address=0/10m | password-address=1/0s | ' +
        'password-address=1/999ms | password-address=1/2d | password-address=1000001/1m | password-address=-1/1m | ' +
        'password-address=1.5/1m | password-address=100 | password-address=100/10 | password-address | =1/1m | , | ' +
        'password-address=1/1m, | password-address=1/1m,password-address=2/1m | password-address=1/1m;mail-address=1/1m',
    ),
  },
  SMTP_URL: {
    property: 'smtp',
    otherwise: null,
    beside: { MAIL_FROM: 'a@example.com' },
    good: {
      'smtp://mail.example.com': smtpServer({}),
      'smtp://mail.example.com:25/': smtpServer({ port: 25 }),
      'smtps://u%40a:p%3A@mail.example.com': smtpServer({
        port: 465,
        isImplicitTls: true,
        auth: { user: 'u@a', pass: 'p:' },
      }),
      'smtp://localhost:1025': smtpServer({ host: 'localhost', port: 1025, isLoopback: true }),
      'smtp://127.0.0.1:1025': smtpServer({ host: '127.0.0.1', port: 1025, isLoopback: true }),
      'smtp://[::1]:1025': smtpServer({ host: '::1', port: 1025, isLoopback: true }),
      'smtp://127.0.0.1.example.com': smtpServer({ host: '127.0.0.1.example.com' }),
    },
    bad: list(
      'mail.example.com | mail.example.com:587 | http://a.test | smtp:// | smtp://:587 | smtp://u:hunter2@ | ' +
        'smtp://u@a.test | smtp://:hunter2@a.test | smtp://u:hunter2@a.test:99999 | smtp://a.test:0 | smtp://a b | ' +
        'smtp://u:hunter2@a.test?tls.rejectUnauthorized=false | smtp://u:hunter2@a.test/#x | smtp://a.test/path | ' +
        'smtp://u:%ff@a.test | smtp://u:hunter2%0d%0aRSET@a.test | smtp://a.test,b.test',
    ),
  },
  MAIL_FROM: {
    property: 'mailFrom',
    otherwise: null,
    good: {
      'a@example.com': { name: '', address: 'a@example.com' },
      '<a@example.com>': { name: '', address: 'a@example.com' },
      'Ada’s Shop, Inc. <no-reply@example.com>': { name: 'Ada’s Shop, Inc.', address: 'no-reply@example.com' },
      '"Ada Shop" <no-reply@localhost>': { name: 'Ada Shop', address: 'no-reply@localhost' },
    },
    bad: list(
      'Ada | a@ | @b | Ada <a> | Ada <a@b.test | a@b.test, c@d.test | A <a@b.test>, C <c@d.test> | Ada a@b.test | ' +
        'A\r\nBcc: x@y.test <a@b.test> | ä@b.test | A <a@b.test> x',
    ),
  },
  MAIL_TEMPLATES: { property: 'mailTemplates', otherwise: '', good: { '/etc/mail': '/etc/mail' }, bad: [] },
  MAIL_RECIPIENT_LIMIT: {
    property: 'mailRecipientLimit',
    otherwise: 5,
    good: { '1': 1, '1000': 1000 },
    bad: [...NO_NUMBERS, '0', '1001'],
  },
  MAIL_DOMAIN_LIMIT: {
    property: 'mailDomainLimit',
    otherwise: 500,
    good: { '1': 1, '1000000': 1_000_000 },
    bad: [...NO_NUMBERS, '0', '1000001'],
  },
  MAIL_TOTAL_LIMIT: {
    property: 'mailTotalLimit',
    otherwise: 2000,
    good: { '1': 1, '1000000': 1_000_000 },
    bad: [...NO_NUMBERS, '0', '1000001'],
  },
  APP_URL: {
    property: 'appUrl',
    otherwise: 'http://localhost:3000/demo',
    good: { 'https://a.test': 'https://a.test', 'https://a.test/x?y=1': 'https://a.test/x?y=1' },
    bad: list('a.test | ftp://a.test | https:// | javascript:alert(1) | https://a.test/# | https://u:hunter2@a.test'),
  },
  EMAIL_VERIFICATION: {
    property: 'emailVerification',
    otherwise: 'off',
    good: { off: 'off', required: 'required' },
    bad: ['on', 'yes', 'OFF'],
  },
  PWNED_PASSWORDS_URL: {
    property: 'pwnedPasswordsUrl',
    otherwise: '',
    good: {
      'https://api.pwnedpasswords.com/range/': 'https://api.pwnedpasswords.com/range/',
      'http://127.0.0.1:8080': 'http://127.0.0.1:8080',
    },
    bad: list(
      'pwned.test/range | ftp://a.test | https://a b | https://a.test/?x= | https://a.test/#x | https://u:hunter2@a.test',
    ),
  },
  AUDIT_RETENTION: {
    property: 'auditRetentionMs',
    otherwise: 400 * DAY,
    good: { '1d': DAY, '24h': DAY, '36500d': 36_500 * DAY },
    bad: [...NO_DURATIONS, '0s', '23h', '36501d'],
  },
  LOG_LEVEL: {
    property: 'logLevel',
    otherwise: 'info',
    good: { trace: 'trace', silent: 'silent' },
    bad: ['INFO', 'all'],
  },
};

function mistakesOf(environment: Environment): string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('is tested for every variable', () => {
    const properties = Object.keys(new Config());
    expect(Object.keys(VARIABLES).sort()).toEqual(properties.map(envName).sort());
    for (const [name, { property }] of Object.entries(VARIABLES)) expect(envName(property)).toBe(name);
  });

  it.each(Object.entries(VARIABLES).filter(([name]) => name !== 'APP_SECRET'))(
    'has a default for %s, also when the variable is empty',
    (name, { property, otherwise, beside }) => {
      for (const nothing of [undefined, '', ' ', '\t']) {
        expect(loadConfig({ APP_SECRET, ...beside, [name]: nothing })[property]).toEqual(otherwise);
      }
    },
  );

  it('has no default for APP_SECRET', () => {
    for (const nothing of [undefined, '', ' ']) {
      expect(mistakesOf({ APP_SECRET: nothing })).toEqual([expect.stringMatching(/^APP_SECRET must be set/)]);
    }
  });

  describe.each(Object.entries(VARIABLES))('%s', (name, { property, beside, good, bad }) => {
    it.each(Object.entries(good))('can be %j', (text, value) => {
      expect(loadConfig({ APP_SECRET, ...beside, [name]: text })[property]).toEqual(value);
    });
    it.each(bad)('cannot be %j, and the error names the variable', (text) => {
      const mistakes = mistakesOf({ APP_SECRET, ...beside, [name]: text });
      expect(mistakes).toEqual([expect.stringContaining(name)]);
      expect(mistakes[0]).not.toMatch(/hunter2|undefined|NaN|\[object|each value/);
    });
  });

  it('reports all errors at once, one per line, without a secret', () => {
    const wrong = Object.entries(VARIABLES).filter(([, { bad }]) => bad.length > 0);
    const mistakes = mistakesOf(Object.fromEntries(wrong.map(([name, { bad }]) => [name, bad[0]])));
    expect(mistakes.map((line) => line.split(' ')[0]).sort()).toEqual(wrong.map(([name]) => name).sort());
    expect(new ConfigError(mistakes).message.split('\n')).toHaveLength(wrong.length + 1);
    expect(mistakes.join()).not.toContain('hunter2');
  });

  it('refuses PROOF_OF_WORK=on without rate limits', () => {
    const mistakes = mistakesOf({ APP_SECRET, PROOF_OF_WORK: 'on', RATE_LIMITS: 'off' });
    expect(mistakes).toEqual([expect.stringMatching(/^PROOF_OF_WORK=on needs RATE_LIMITS=on/)]);
    expect(mistakesOf({ APP_SECRET, PROOF_OF_WORK: 'on' })).toEqual([]);
  });

  it('requires an interval of at least twice the leeway, or both 0s (strict mode)', () => {
    const of = (REFRESH_ROTATION_INTERVAL: string, REFRESH_LEEWAY: string) =>
      mistakesOf({ APP_SECRET, REFRESH_ROTATION_INTERVAL, REFRESH_LEEWAY });
    expect([of('0s', '0s'), of('1s', '0s'), of('10s', '5s')]).toEqual([[], [], []]);
    for (const [interval, leeway] of [
      ['0s', '1s'],
      ['9s', '5s'],
      ['0s', '1ms'],
    ]) {
      expect(of(interval!, leeway!)).toEqual([
        'REFRESH_ROTATION_INTERVAL must be at least twice REFRESH_LEEWAY, or both 0s',
      ]);
    }
  });

  it.each(['120s', '119s', '1s'])(
    'refuses REFRESH_IDLE_TTL=%s with a rotation interval of 120s',
    (REFRESH_IDLE_TTL) => {
      expect(mistakesOf({ APP_SECRET, REFRESH_IDLE_TTL })).toEqual([
        'REFRESH_IDLE_TTL must be longer than REFRESH_ROTATION_INTERVAL: sessions would expire before they rotate',
      ]);
      const strict = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };
      expect(mistakesOf({ APP_SECRET, REFRESH_IDLE_TTL, ...strict })).toEqual([]);
    },
  );

  it.each([
    ['4000', 'http://localhost:4000'],
    ['0', 'http://localhost:3000'],
    ['', 'http://localhost:3000'],
  ])('derives ISSUER from PORT=%s', (PORT, issuer) => {
    expect(loadConfig({ APP_SECRET, PORT }).issuer).toBe(issuer);
    expect(loadConfig({ APP_SECRET, PORT, ISSUER: 'https://a.test' }).issuer).toBe('https://a.test');
  });

  it('says of text that it is no number, not that it is out of range', () => {
    expect(mistakesOf({ APP_SECRET, PORT: 'x', BCRYPT_COST: '1.5', SESSION_TTL: 'soon' })).toEqual([
      'PORT must be a whole number',
      'SESSION_TTL must be a duration like 30d',
      'BCRYPT_COST must be a whole number',
    ]);
  });

  it('does not complain about ISSUER when PORT is wrong', () => {
    for (const PORT of VARIABLES['PORT']!.bad) {
      expect(mistakesOf({ APP_SECRET, PORT })).toEqual([expect.stringMatching(/^PORT must be /)]);
    }
  });

  it('accepts DATABASE_DIRECT_URL for PostgreSQL alone', () => {
    const DATABASE_DIRECT_URL = 'postgres://u:p@db/x';
    expect(
      loadConfig({ APP_SECRET, DATABASE_URL: 'postgres://u:p@pooler/x', DATABASE_DIRECT_URL }).databaseDirectUrl,
    ).toBe(DATABASE_DIRECT_URL);
    expect(mistakesOf({ APP_SECRET, DATABASE_DIRECT_URL })).toEqual([expect.stringContaining('DATABASE_DIRECT_URL')]);
  });

  it('accepts more than one worker on PostgreSQL alone, and says so', () => {
    expect(mistakesOf({ APP_SECRET, WORKERS: '2', DATABASE_URL: POSTGRES })).toEqual([]);
    expect(mistakesOf({ APP_SECRET, WORKERS: '1' })).toEqual([]);
    expect(mistakesOf({ APP_SECRET, WORKERS: '2' })).toEqual([
      expect.stringMatching(/^WORKERS .*PostgreSQL .*WORKERS=1/),
    ]);
  });

  it('refuses a secret of APP_SECRET as METRICS_TOKEN', () => {
    const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
    const both = { APP_SECRET: `${first},${second}` };
    for (const METRICS_TOKEN of [first, second]) {
      expect(mistakesOf({ ...both, METRICS_TOKEN })).toEqual([expect.stringMatching(/^METRICS_TOKEN must not be in/)]);
    }
    expect(mistakesOf({ ...both, METRICS_TOKEN: 'c'.repeat(32) })).toEqual([]);
  });

  it('refuses a shared secret in INTROSPECTION_CLIENTS', () => {
    const [first, second, scraper] = ['hunter2-a', 'hunter2-b', 'hunter2-m'].map((text) => text.repeat(4));
    const others = { APP_SECRET: `${first},${second}`, METRICS_TOKEN: scraper };
    const of = (...secrets: string[]) => {
      const INTROSPECTION_CLIENTS = secrets.map((secret, i) => `service-${i}:${secret}`).join();
      const mistakes = mistakesOf({ ...others, INTROSPECTION_CLIENTS });
      expect(mistakes.join()).not.toContain('hunter2');
      return mistakes;
    };
    const own = ['c'.repeat(32), 'd'.repeat(32)];
    expect(of(...own)).toEqual([]);
    const refused = (part: string) => [expect.stringMatching(`^INTROSPECTION_CLIENTS must have .*${part}`)];
    for (const secret of [first!, second!]) expect(of(own[0]!, secret)).toEqual(refused('APP_SECRET'));
    expect(of(own[0]!, scraper!)).toEqual(refused('METRICS_TOKEN'));
    expect(of(...own, own[0]!)).toEqual(refused('different'));
  });

  it.each(Object.keys(VARIABLES['TRUST_PROXY']!.good))(
    'accepts only TRUST_PROXY values that Fastify accepts: %j',
    (TRUST_PROXY) => {
      const config = loadConfig({ APP_SECRET, TRUST_PROXY, LOG_LEVEL: 'silent' });
      expect(() => Fastify(serverOptions(config, new LogDestination()))).not.toThrow();
    },
  );
});

describe('the configuration in production', () => {
  it('requires only a secret and an https issuer', () => {
    const config = loadConfig(PRODUCTION);
    expect([config.isProduction, config.swaggerEnabled, config.bcryptCost]).toEqual([true, false, 12]);
    expect(loadConfig({ ...PRODUCTION, SWAGGER: 'on' }).swaggerEnabled).toBe(true);
    expect(loadConfig({ APP_SECRET }).swaggerEnabled).toBe(true);
    expect(loadConfig({ APP_SECRET, SWAGGER: 'off' }).swaggerEnabled).toBe(false);
  });

  it('enables metrics only with METRICS_TOKEN, unlike other environments', () => {
    const METRICS_TOKEN = `${RANDOM}=`;
    expect(loadConfig(PRODUCTION).metricsEnabled).toBe(false);
    expect(loadConfig({ ...PRODUCTION, METRICS_TOKEN }).metricsEnabled).toBe(true);
    for (const more of [{}, { METRICS_TOKEN }]) expect(loadConfig({ APP_SECRET, ...more }).metricsEnabled).toBe(true);
  });

  it.each<[string, Environment]>([
    ['APP_SECRET', { APP_SECRET: undefined }],
    ['APP_SECRET', { APP_SECRET: '' }],
    ['APP_SECRET', { APP_SECRET: 's'.repeat(31) }],
    ['BCRYPT_COST', { BCRYPT_COST: '9' }],
    ['ISSUER', { ISSUER: 'http://auth.example.com' }],
    ['ISSUER', { ISSUER: 'http://localhost.example.com' }],
    ['ISSUER', { ISSUER: 'http://localhost:3000@evil.example' }],
    ['ISSUER', { ISSUER: 'http://127.0.0.1.example.com' }],
    ['ISSUER', { ISSUER: 'http://192.168.0.1:3000' }],
    ['ISSUER', { ISSUER: undefined }],
    ['ISSUER', { ISSUER: undefined, PORT: '4000' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'https://a.test,http://b.test' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'http://localhost:5173' }],
    ['PWNED_PASSWORDS_URL', { PWNED_PASSWORDS_URL: 'http://pwned.test/range/' }],
    ['PWNED_PASSWORDS_URL', { PWNED_PASSWORDS_URL: 'http://127.0.0.1.pwned.test/range/' }],
    ['APP_SECRET', { APP_SECRET: 'a'.repeat(48) }],
    ['APP_SECRET', { APP_SECRET: `${'a'.repeat(48)},change-me-change-me-change-me-change-me` }],
    ['METRICS_TOKEN', { METRICS_TOKEN: 'change-me-before-you-deploy-this-anywhere' }],
    ['INTROSPECTION_CLIENTS', { INTROSPECTION_CLIENTS: `api:${RANDOM}1,other:${'0123456789'.repeat(4)}` }],
    ['APP_URL', { SMTP_URL: 'smtp://a.test', MAIL_FROM: 'a@example.com' }],
    ['APP_URL', { SMTP_URL: 'smtp://a.test', MAIL_FROM: 'a@example.com', APP_URL: 'http://a.test' }],
    ['APP_URL', { APP_URL: 'http://localhost.example.com' }],
    ['MAIL_FROM', { SMTP_URL: 'smtp://a.test', APP_URL: 'https://a.test' }],
  ])('is refused for %s in %j', (name, environment) => {
    expect(mistakesOf({ ...PRODUCTION, ...environment })).toEqual([expect.stringContaining(name)]);
  });

  it('has mail only with SMTP_URL, unlike other environments', () => {
    const mail = { SMTP_URL: 'smtps://a.test', MAIL_FROM: 'a@example.com', APP_URL: 'https://a.test' };
    const of = (environment: Environment) => {
      const { mailEnabled, servesDevMail } = loadConfig(environment);
      return { mailEnabled, servesDevMail };
    };
    expect(of(PRODUCTION)).toEqual({ mailEnabled: false, servesDevMail: false });
    expect(of({ ...PRODUCTION, ...mail })).toEqual({ mailEnabled: true, servesDevMail: false });
    expect(of({ APP_SECRET, ...mail })).toEqual({ mailEnabled: true, servesDevMail: false });
    expect(of({ APP_SECRET })).toEqual({ mailEnabled: true, servesDevMail: true });
    expect(loadConfig(PRODUCTION).appUrl).toBe('');
    expect(loadConfig({ ...PRODUCTION, APP_URL: 'http://localhost:5173' }).appUrl).toBe('http://localhost:5173');
    expect(mistakesOf({ APP_SECRET, SMTP_URL: 'smtp://a.test' })).toEqual([
      expect.stringMatching(/^MAIL_FROM must be/),
    ]);
  });

  it('accepts a guessable secret beside a random one, so that it can be replaced', () => {
    const guessable = 'change-me-change-me-change-me-change-me';
    for (const APP_SECRET of [`${guessable},${RANDOM}`, `${RANDOM},${guessable}`]) {
      expect(mistakesOf({ ...PRODUCTION, APP_SECRET })).toEqual([]);
    }
  });

  it('accepts plain-http origins only with the setting that says so', () => {
    const http = { CORS_ORIGINS: 'http://kiosk.internal', DANGEROUSLY_ALLOW_HTTP_ORIGINS: 'on' };
    expect(loadConfig({ ...PRODUCTION, ...http }).corsOrigins).toEqual(['http://kiosk.internal']);
    expect(loadConfig({ APP_SECRET, CORS_ORIGINS: 'http://kiosk.internal' }).corsOrigins).toHaveLength(1);
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:8080/x', 'https://a.test/x', 'HTTPS://a.test'])(
    'accepts ISSUER %s',
    (ISSUER) => {
      expect(loadConfig({ ...PRODUCTION, ISSUER, BCRYPT_COST: '10' }).issuer).toBe(ISSUER);
    },
  );
});
