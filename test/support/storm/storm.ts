import { expect } from 'vitest';
import type { ProblemCode } from '../../../src/problem/catalogue.js';
import { Connection, type Asked } from '../connection.js';
import type { Answer, Http, TokenResponse } from '../http.js';
import { claimsOf, register } from '../people.js';

/** What a request came to. `status` 0: no whole answer, and `bytes` of one. */
export interface Heard {
  route: string;
  status: number;
  bytes: number;
  code: ProblemCode | undefined;
  terminal: boolean;
  retryAfter: boolean;
  closes: boolean;
  /** Undefined when it was never sent: no connection. */
  sentAt: number | undefined;
  answeredAt: number;
  ms: number;
}

/** How long a client waits before it tries again: it does not storm a server that is not there. */
const PAUSE_MS = 20;

/** Somebody with a connection, who stores what they are given before they use it. */
export class StormClient {
  private readonly connection = new Connection();
  /** The newest generation for which an access token was accepted. */
  used = 0;
  turns = 0;
  /** By `performance.now()`. */
  succeededAt = 0;

  constructor(
    private readonly storm: Storm,
    readonly email: string,
    public stored: TokenResponse,
  ) {}

  /** Refreshes; where the answer is lost, or is none, the last stored token stays. True when it was answered with tokens. */
  async refresh(): Promise<boolean> {
    const answer = await this.ask('POST', '/auth/refresh', { json: { refresh_token: this.stored.refresh_token } });
    if (answer?.status === 200) this.stored = answer.body as TokenResponse;
    return answer?.status === 200;
  }

  async use(path: string = '/auth/whoami'): Promise<boolean> {
    const { access_token } = this.stored;
    const answer = await this.ask('GET', path, { token: access_token });
    if (answer?.status === 200) this.used = claimsOf(access_token)['gen'] as number;
    return answer?.status === 200;
  }

  /** Undefined when no whole answer came. */
  async ask(method: string, path: string, asked: Asked): Promise<Answer<any> | undefined> {
    const begun = performance.now();
    const answer = await this.connection.ask(this.storm.target(), method, path, asked);
    const answeredAt = performance.now();
    const whole = 'headers' in answer ? answer : undefined;
    if (whole && whole.status < 300) this.succeededAt = answeredAt;
    const problem = whole && whole.status >= 400 ? whole.body : undefined;
    this.storm.heard.push({
      route: `${method} ${path}`,
      status: answer.status,
      bytes: 'bytes' in answer ? answer.bytes : 0,
      code: problem?.code,
      terminal: problem?.terminal ?? false,
      retryAfter: Number(whole?.headers.get('retry-after')) > 0,
      closes: whole?.headers.get('connection') === 'close',
      sentAt: this.connection.sentAt,
      answeredAt,
      ms: answeredAt - begun,
    });
    return whole;
  }

  hangUp(): void {
    this.connection.close();
  }
}

/** What one client does in its turn; it is done again until the storm ends. */
export type Turn = (client: StormClient) => Promise<unknown>;

/** A chain of refreshes; every third access token is used. */
export const refreshing: Turn = async (client) => {
  const refreshed = await client.refresh();
  if (refreshed && client.turns % 3 === 0) await client.use();
};

/** Many clients at once, each with one request at a time under way, against one server or several. */
export class Storm {
  readonly clients: StormClient[] = [];
  heard: Heard[] = [];
  private raging = false;
  private loops: Promise<void>[] = [];

  /** @param target the address for the next request: it may change from request to request */
  constructor(readonly target: () => string) {}

  /** More clients, each somebody new. */
  async join(http: Http, count: number): Promise<StormClient[]> {
    const people: Awaited<ReturnType<typeof register>>[] = [];
    // No more at once than hashing takes, however slow the machine is.
    while (people.length < count) {
      const few = Math.min(8, count - people.length);
      people.push(...(await Promise.all(Array.from({ length: few }, () => register(http)))));
    }
    const joined = people.map(({ email, tokens }) => new StormClient(this, email, tokens));
    this.clients.push(...joined);
    return joined;
  }

  /** More clients with a connection open, which they used once, and which take no part in the storm. */
  async joinIdle(http: Http, count: number): Promise<StormClient[]> {
    const people = await Promise.all(Array.from({ length: count }, () => register(http)));
    const idle = people.map(({ email, tokens }) => new StormClient(this, email, tokens));
    for (const client of idle) await client.use();
    return idle;
  }

  /** Somebody with a copy of these tokens; they take no part in the storm. */
  takeOver(email: string, tokens: TokenResponse): StormClient {
    return new StormClient(this, email, tokens);
  }

  /** @param turnOf by the client's place; without one, it chains refreshes */
  begin(turnOf: (place: number) => Turn = () => refreshing): void {
    this.raging = true;
    this.loops = this.clients.map(async (client, place) => {
      const turn = turnOf(place);
      while (this.raging) {
        const before = this.heard.length;
        await turn(client);
        client.turns++;
        const refused = this.heard.slice(before).some(({ status }) => status === 0 || status === 503);
        if (refused || this.heard.length === before) await pause(PAUSE_MS);
      }
    });
  }

  /** Ends when everybody has heard what came of their last request. */
  async end(): Promise<void> {
    this.raging = false;
    await Promise.all(this.loops);
  }

  hangUp(): void {
    for (const client of this.clients) client.hangUp();
  }
}

/** Everything worked, was refused for now with these codes and Retry-After, or, where `mayBeLost`, was never answered. */
export function expectNobodyRefused({ heard }: Storm, codes: ProblemCode[], mayBeLost: boolean = false): void {
  const wrong = heard.filter(({ status, code, terminal, retryAfter }) => {
    if (status === 0) return !mayBeLost;
    if (status >= 200 && status < 300) return false;
    return terminal || status !== 503 || !retryAfter || !codes.includes(code!);
  });
  expect(wrong.slice(0, 5)).toEqual([]);
}

/** Each client's last stored token works, and so does the access token that comes for it. */
export async function expectAllSignedIn({ clients }: Storm): Promise<void> {
  const worked = await Promise.all(clients.map(async (client) => [await client.refresh(), await client.use()].join()));
  expect(worked).toEqual(clients.map(() => 'true,true'));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
