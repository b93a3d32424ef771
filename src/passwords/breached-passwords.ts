import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { workerShare } from '../config/workers.js';
import { Metrics } from '../metrics/metrics.js';

const TIMEOUT_MS = 2000;
/** A range has about a thousand entries of some 40 bytes. */
const MAX_BYTES = 256 * 1024;
const PREFIX_LENGTH = 5;
/** A service that hangs occupies no more connections than this, of all workers. */
const CONNECTIONS = 16;
const LOG_INTERVAL_MS = 60_000;
const ENTRY = /^([0-9A-F]{35}):(\d+)$/i;

export const BREACHED = 'This password appeared in a data breach, so attackers try it: choose another one.';

/**
 * Looks up new passwords among breached ones, by a k-anonymity range query as `api.pwnedpasswords.com` serves it (OWASP ASVS
 * 5.0 6.2.12). Only the first 5 hexadecimal characters of the SHA-1 leave this process, and responses are padded, so that
 * their size tells nothing. It fails open: an outage of that service stops no registration.
 */
@Injectable()
export class BreachedPasswords implements OnApplicationShutdown {
  private readonly logger = new Logger(BreachedPasswords.name);
  private readonly checks: Counter<'outcome'>;
  private readonly client: typeof http | typeof https;
  private readonly agent: http.Agent;
  private failures = 0;
  private loggedAt = -Infinity;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.client = /^https:/i.test(config.pwnedPasswordsUrl) ? https : http;
    this.agent = new this.client.Agent({ keepAlive: true, maxSockets: workerShare(CONNECTIONS, config.workers) });
    const help = 'Look-ups of new passwords among breached ones, by outcome';
    this.checks = metrics.counter('latchkey_breached_password_checks_total', help, ['outcome']);
    for (const outcome of ['clear', 'breached', 'failed']) this.checks.inc({ outcome }, 0);
  }

  onApplicationShutdown(): void {
    this.agent.destroy();
  }

  /** Why a breached password is rejected, in a sentence; null for any other, and where the look-up fails or is off. */
  async findBreach(password: string): Promise<string | null> {
    if (this.config.pwnedPasswordsUrl === '') return null;
    try {
      const isBreached = await this.isBreached(password);
      this.checks.inc({ outcome: isBreached ? 'breached' : 'clear' });
      return isBreached ? BREACHED : null;
    } catch (error) {
      this.checks.inc({ outcome: 'failed' });
      this.logFailure(error as Error);
      return null;
    }
  }

  private async isBreached(password: string): Promise<boolean> {
    // SHA-1 is the index of that service, and protects nothing here: no hash is stored, and only a prefix is sent.
    const hash = createHash('sha1').update(password.normalize('NFC')).digest('hex').toUpperCase();
    const range = await this.readRange(hash.slice(0, PREFIX_LENGTH));
    return containsSuffix(range, hash.slice(PREFIX_LENGTH));
  }

  /**
   * The time-out includes the wait for a connection. Redirects are not followed: they could lead anywhere. Not `fetch`: on
   * Node 20, after a garbage collection its signal does not end a body that hangs.
   */
  private async readRange(prefix: string): Promise<string> {
    const { pwnedPasswordsUrl: url } = this.config;
    const headers = { 'add-padding': 'true', 'user-agent': 'latchkey' };
    const request = this.client.get(`${url}${url.endsWith('/') ? '' : '/'}${prefix}`, { agent: this.agent, headers });
    // After the response, errors of the connection are those of the body.
    request.on('error', () => {});
    const timer = setTimeout(() => request.destroy(new Error(`no response in ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return await readText(response);
    } finally {
      clearTimeout(timer);
    }
  }

  /** At most once a minute. No line contains the prefix. */
  private logFailure(error: Error): void {
    this.failures += 1;
    const now = this.clock.now();
    if (now - this.loggedAt < LOG_INTERVAL_MS) return;
    // An error of several connection attempts has a code and no message.
    const reason = error.message || String((error as NodeJS.ErrnoException).code);
    this.logger.warn(
      `${this.failures} look-ups of breached passwords failed, and the passwords were accepted: ${reason}`,
    );
    this.failures = 0;
    this.loggedAt = now;
  }
}

/** Stops at the first byte too many, and closes the connection then, as for another status. */
async function readText(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`status ${response.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

/** Entries with the count 0 are padding. Throws when a line is no entry. */
function containsSuffix(range: string, suffix: string): boolean {
  const lines = range.split(/\r?\n/).filter((line) => line !== '');
  const entries = lines.map((line) => ENTRY.exec(line));
  if (entries.includes(null)) throw new Error('the response is no list of hashes');
  return entries.some((entry) => entry![1]!.toUpperCase() === suffix && Number(entry![2]) > 0);
}
