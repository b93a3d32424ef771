import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import type { Counter } from 'prom-client';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Metrics } from '../metrics/metrics.js';

const TIMEOUT_MS = 2000;
/** A range has about a thousand entries of some 40 bytes. */
const MAX_BYTES = 256 * 1024;
const PREFIX_LENGTH = 5;
/** A service that hangs occupies no more connections than this. */
const REQUESTS_AT_ONCE = 16;
const LOG_INTERVAL_MS = 60_000;
const ENTRY = /^([0-9A-F]{35}):(\d+)$/i;

export const BREACHED = 'This password appeared in a data breach, so attackers try it: choose another one.';

/**
 * Looks up new passwords among breached ones, by a k-anonymity range query as `api.pwnedpasswords.com` serves it (OWASP ASVS
 * 5.0 6.2.12). Only the first 5 hexadecimal characters of the SHA-1 leave this process, and responses are padded, so that
 * their size tells nothing. It fails open: an outage of that service stops no registration.
 */
@Injectable()
export class BreachedPasswords {
  private readonly logger = new Logger(BreachedPasswords.name);
  private readonly checks: Counter<'outcome'>;
  private readonly fewAtOnce = pLimit(REQUESTS_AT_ONCE);
  private failures = 0;
  private loggedAt = -Infinity;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    const help = 'Look-ups of new passwords among breached ones, by outcome';
    this.checks = metrics.counter('latchkey_breached_password_checks_total', help, ['outcome']);
    for (const outcome of ['clear', 'breached', 'failed']) this.checks.inc({ outcome }, 0);
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
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const range = await this.fewAtOnce(() => this.fetchRange(hash.slice(0, PREFIX_LENGTH), signal));
    return containsSuffix(range, hash.slice(PREFIX_LENGTH));
  }

  /** Over the connections that `fetch` keeps for the whole process. A redirect is an error: it could lead anywhere. */
  private async fetchRange(prefix: string, signal: AbortSignal): Promise<string> {
    const { pwnedPasswordsUrl: url } = this.config;
    const response = await fetch(`${url}${url.endsWith('/') ? '' : '/'}${prefix}`, {
      headers: { 'add-padding': 'true', 'user-agent': 'latchkey' },
      redirect: 'error',
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    return readText(response);
  }

  /** At most once a minute. No line contains the prefix. */
  private logFailure(error: Error): void {
    this.failures += 1;
    const now = this.clock.now();
    if (now - this.loggedAt < LOG_INTERVAL_MS) return;
    const cause = (error.cause as { code?: string } | undefined)?.code;
    const reason = [error.message, cause].filter(Boolean).join(', ');
    this.logger.warn(
      `${this.failures} look-ups of breached passwords failed, and the passwords were accepted: ${reason}`,
    );
    this.failures = 0;
    this.loggedAt = now;
  }
}

/** Counts the bytes after decompression, and stops at the first one too many. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
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
