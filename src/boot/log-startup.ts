import { isatty } from 'node:tty';
import type { Config } from '../config/config.js';
import { isGuessable } from '../config/guessable.js';
import { isDemoBuilt } from '../demo/serve-demo.js';

const STDOUT = 1;
const ONE_MINUTE_MS = 60_000;

interface StartupLog {
  info: (line: string) => void;
  warn: (line: string) => void;
}

/** The last lines of a start: plain text on a terminal, log lines elsewhere. */
export function logStartup(log: StartupLog, config: Config, port: number): void {
  if (config.isProduction && config.issuer.startsWith('http://')) {
    log.warn(`ISSUER is ${config.issuer}: set it to the https address under which browsers reach this server`);
  }
  if (config.isProduction && config.appSecrets.some(isGuessable)) {
    log.warn(
      'APP_SECRET has a guessable secret: whoever guesses it can forge tokens. Replace it: docs/operations.md, Secrets',
    );
  }
  if (config.rateLimits === 'off') {
    log.warn('RATE_LIMITS is off: passwords can be guessed without limit. Only for benchmarks');
  }
  if (!config.mailEnabled) log.warn('There is no SMTP_URL: nothing that needs mail is available');
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const lines = startupLines(config, `http://${host}:${port}`, isDemoBuilt());
  if (isatty(STDOUT)) process.stdout.write(`${lines.join('\n')}\n`);
  else for (const line of lines) log.info(line);
}

export function startupLines(config: Config, url: string, hasDemo: boolean): string[] {
  const database = config.database.kind === 'sqlite' ? `SQLite: ${config.database.file}` : 'PostgreSQL';
  const workers = config.workers > 1 ? `, ${config.workers} workers` : '';
  const lines = [`Latchkey is running at ${url} (${database}${workers})`];
  if (config.swaggerEnabled) lines.push(`Swagger UI: ${url}/docs`);
  if (hasDemo && !config.isProduction) {
    const hint =
      config.accessTokenTtlMs > ONE_MINUTE_MS ? ' (to watch tokens rotate within a minute: npm run demo)' : '';
    lines.push(`Demo: ${cookieUrl(config.issuer, url)}/demo${hint}`);
  }
  if (config.servesDevMail) lines.push(`Mail: ${url}/dev/mail (to send it, set SMTP_URL)`);
  return lines;
}

/** Cookies belong to ISSUER: its address where it leads to this server, otherwise the server's own. */
function cookieUrl(issuer: string, url: string): string {
  const { hostname, port } = new URL(issuer);
  return hostname === 'localhost' && port === new URL(url).port ? issuer : url;
}
