import { expect } from 'vitest';
import { claimsOf, PASSWORD } from '../app/users.js';
import type { HttpResponse, Http, TokenResponse } from '../http/http.js';
import { tokenLinksOf, type TokenLink } from '../mail/links.js';
import type { TestSmtp } from '../mail/smtp.js';
import { pause } from './storm.js';

/** Sessions of an account that actors still use. */
const KEPT_SESSIONS = 6;

/** Routes and the status of their success. */
const WANTED = [
  '/auth/login 200',
  '/auth/refresh 200',
  '/auth/password/reset 204',
  '/auth/email/change 202',
  '/auth/email/change/confirm 204',
  '/auth/email/change/undo 204',
  '/users/me/deletion 204',
];

interface Account {
  /** Its address is one of the two. Changes of address go from one to the other. */
  emails: [string, string];
  sessions: TokenResponse[];
  /** Of the last sign-in. */
  deviceToken: string | undefined;
}

/**
 * Users who do everything with their accounts at once, at several processes: sign in, refresh, forget and reset, change their
 * address, confirm and undo it, delete their account and register again.
 */
export class AccountStorm {
  /** How many responses a route gave, by status: `POST /auth/login 200`. */
  readonly counts = new Map<string, number>();
  /** How often each token of a link was accepted. */
  readonly redemptions = new Map<string, number>();
  readonly deleted: TokenResponse[] = [];
  /** Responses that no actor may get. */
  readonly wrong: string[] = [];
  private readonly accounts: Account[];
  private readonly followed = new Set<string>();
  private readMails = 0;

  constructor(
    private readonly processes: Http[],
    private readonly smtp: TestSmtp,
    users: number,
  ) {
    this.accounts = Array.from({ length: users }, (_, i) => ({
      emails: [`storm-${i}-a@example.com`, `storm-${i}-b@example.com`],
      sessions: [],
      deviceToken: undefined,
    }));
  }

  /** Resolves when every kind of change has succeeded a few times, not before `ms`, and every request has its response. */
  async rage(ms: number): Promise<void> {
    for (const { emails } of this.accounts) await this.post('/auth/register', { email: emails[0], password: PASSWORD });
    const end = performance.now() + ms;
    const repeat = async (turn: () => Promise<unknown>, between: number) => {
      while (performance.now() < end || this.missing.length > 0) {
        await pause(between * Math.random());
        await turn();
      }
    };
    await Promise.all([
      ...this.accounts.flatMap((account) => [
        repeat(() => this.signIn(account), 400),
        repeat(() => this.refresh(account), 100),
        repeat(() => this.post('/auth/password/forgot', { email: oneOf(account.emails) }), 3000),
        repeat(() => this.changeAddress(account), 1500),
        repeat(() => this.deleteAndRegister(account), 30_000),
      ]),
      repeat(() => this.followLinks(), 100),
    ]);
  }

  /** The changes that have not succeeded often enough: without them the storm shows nothing. */
  get missing(): string[] {
    return WANTED.filter((route) => (this.counts.get(`POST ${route}`) ?? 0) < 3);
  }

  private async signIn(account: Account): Promise<void> {
    const { deviceToken } = account;
    // Of a known device: a mail for each sign-in would keep the links waiting.
    const device = deviceToken && { device_token: deviceToken };
    const json = { email: oneOf(account.emails), password: PASSWORD, ...device };
    const { status, body } = await this.post('/auth/login', json);
    if (status !== 200) return;
    account.deviceToken = (body as TokenResponse).device_token;
    account.sessions.push(body as TokenResponse);
    if (account.sessions.length > KEPT_SESSIONS) account.sessions.shift();
  }

  private async refresh(account: Account): Promise<void> {
    const session = oneOf(account.sessions);
    if (!session) return;
    const { status, body } = await this.post('/auth/refresh', { refresh_token: session.refresh_token });
    if (status === 200) Object.assign(session, body);
    else if (status === 401) account.sessions = account.sessions.filter((other) => other !== session);
  }

  private async changeAddress({ emails, sessions }: Account): Promise<void> {
    const session = oneOf(sessions);
    if (!session) return;
    await this.post('/auth/email/change', { newEmail: oneOf(emails), password: PASSWORD }, session.access_token);
  }

  private async deleteAndRegister({ emails, sessions }: Account): Promise<void> {
    const session = oneOf(sessions);
    if (!session) return;
    const { status } = await this.post('/users/me/deletion', { password: PASSWORD }, session.access_token);
    if (status !== 204) return;
    const sub = claimsOf(session.access_token)['sub'];
    this.deleted.push(...sessions.filter((other) => claimsOf(other.access_token)['sub'] === sub));
    await this.post('/auth/register', { email: oneOf(emails), password: PASSWORD });
  }

  /** Follows the links of all new mails at once, each at every process; of undos only every third. */
  private async followLinks(): Promise<void> {
    const mails = this.smtp.received.slice(this.readMails);
    this.readMails += mails.length;
    const links = mails.flatMap(tokenLinksOf).filter(({ token }) => !this.followed.has(token));
    for (const { token } of links) this.followed.add(token);
    const wanted = links.filter(({ action }) => action !== 'undo-email-change' || Math.random() < 1 / 3);
    await Promise.all(wanted.map((link) => this.redeem(link)));
  }

  private async redeem({ path, token, action }: TokenLink): Promise<void> {
    const json = { token, ...(action === 'reset-password' && { newPassword: PASSWORD }) };
    const responses = await Promise.all(this.processes.map((http) => this.post(path, json, undefined, http)));
    const accepted = responses.filter(({ status }) => status === 204).length;
    this.redemptions.set(token, (this.redemptions.get(token) ?? 0) + accepted);
  }

  private async post(path: string, json: object, token?: string, http: Http = oneOf(this.processes)!) {
    const response: HttpResponse<any> = await http.post(path, { json, ...(token && { token }) });
    const key = `POST ${path} ${response.status}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    if (response.status >= 500 && response.status !== 503) this.wrong.push(`${key} ${JSON.stringify(response.body)}`);
    return response;
  }
}

/** No token of a deleted user is accepted, and no link was followed with success twice. */
export async function expectNothingLeft(storm: AccountStorm, processes: Http[]): Promise<void> {
  for (const { access_token, refresh_token } of storm.deleted) {
    for (const http of processes) {
      expect((await http.get('/auth/whoami', { token: access_token })).status).toBe(401);
      expect((await http.post('/auth/refresh', { json: { refresh_token } })).status).toBe(401);
    }
  }
  expect([...storm.redemptions].filter(([, times]) => times > 1)).toEqual([]);
}

function oneOf<T>(values: T[]): T | undefined {
  return values[Math.floor(Math.random() * values.length)];
}
