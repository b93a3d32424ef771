import { expect } from 'vitest';
import type { ProblemCode } from '../../../src/problem/catalogue.js';
import { Connection, type RequestContent } from '../http/connection.js';
import type { HttpResponse, Http, TokenResponse } from '../http/http.js';
import { claimsOf, register } from '../app/users.js';

/** The outcome of a request. `status` 0: no complete response; `bytes` of it arrived. */
export interface Outcome {
  route: string;
  status: number;
  bytes: number;
  code: ProblemCode | undefined;
  terminal: boolean;
  retryAfter: boolean;
  closes: boolean;
  /** Undefined when it was not sent, for want of a connection. */
  sentAt: number | undefined;
  receivedAt: number;
  ms: number;
}

/** How long a client waits before a retry. */
const PAUSE_MS = 20;

/** A client with one connection. It stores tokens before it uses them. */
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

  /** Refreshes, and keeps the last stored token when the response is lost or an error. True when tokens arrived. */
  async refresh(): Promise<boolean> {
    const response = await this.ask('POST', '/auth/refresh', { json: { refresh_token: this.stored.refresh_token } });
    if (response?.status === 200) this.stored = response.body as TokenResponse;
    return response?.status === 200;
  }

  async use(path: string = '/auth/whoami'): Promise<boolean> {
    const { access_token } = this.stored;
    const response = await this.ask('GET', path, { token: access_token });
    if (response?.status === 200) this.used = claimsOf(access_token)['gen'] as number;
    return response?.status === 200;
  }

  /** Undefined without a complete response. */
  async ask(method: string, path: string, asked: RequestContent): Promise<HttpResponse<any> | undefined> {
    const begun = performance.now();
    const response = await this.connection.ask(this.storm.target(), method, path, asked);
    const receivedAt = performance.now();
    const complete = 'headers' in response ? response : undefined;
    if (complete && complete.status < 300) this.succeededAt = receivedAt;
    const problem = complete && complete.status >= 400 ? complete.body : undefined;
    this.storm.outcomes.push({
      route: `${method} ${path}`,
      status: response.status,
      bytes: 'bytes' in response ? response.bytes : 0,
      code: problem?.code,
      terminal: problem?.terminal ?? false,
      retryAfter: Number(complete?.headers.get('retry-after')) > 0,
      closes: complete?.headers.get('connection') === 'close',
      sentAt: this.connection.sentAt,
      receivedAt,
      ms: receivedAt - begun,
    });
    return complete;
  }

  hangUp(): void {
    this.connection.close();
  }
}

/** What a client repeats until the storm is over. */
export type Turn = (client: StormClient) => Promise<unknown>;

/** Refreshes, and uses every third access token. */
export const refreshing: Turn = async (client) => {
  const refreshed = await client.refresh();
  if (refreshed && client.turns % 3 === 0) await client.use();
};

/** Many clients in parallel against one or several servers; each has at most one request in flight. */
export class Storm {
  readonly clients: StormClient[] = [];
  outcomes: Outcome[] = [];
  private raging = false;
  private loops: Promise<void>[] = [];

  /** @param target the server for the next request */
  constructor(readonly target: () => string) {}

  /** Adds clients, each with a new user. */
  async join(http: Http, count: number): Promise<StormClient[]> {
    const users: Awaited<ReturnType<typeof register>>[] = [];
    // In small groups, because the server refuses more parallel password hashes.
    while (users.length < count) {
      const few = Math.min(8, count - users.length);
      users.push(...(await Promise.all(Array.from({ length: few }, () => register(http)))));
    }
    const joined = users.map(({ email, tokens }) => new StormClient(this, email, tokens));
    this.clients.push(...joined);
    return joined;
  }

  /** Opens idle keep-alive connections of more clients, which take no part in the storm. */
  async joinIdle(http: Http, count: number): Promise<StormClient[]> {
    const users = await Promise.all(Array.from({ length: count }, () => register(http)));
    const idle = users.map(({ email, tokens }) => new StormClient(this, email, tokens));
    for (const client of idle) await client.use();
    return idle;
  }

  /** A client with a copy of these tokens, which takes no part in the storm. */
  takeOver(email: string, tokens: TokenResponse): StormClient {
    return new StormClient(this, email, tokens);
  }

  /** @param turnOf the turn of the client at this index; refreshes by default */
  begin(turnOf: (place: number) => Turn = () => refreshing): void {
    this.raging = true;
    this.loops = this.clients.map(async (client, place) => {
      const turn = turnOf(place);
      while (this.raging) {
        const before = this.outcomes.length;
        await turn(client);
        client.turns++;
        const refused = this.outcomes.slice(before).some(({ status }) => status === 0 || status === 503);
        if (refused || this.outcomes.length === before) await pause(PAUSE_MS);
      }
    });
  }

  /** Resolves when the last request of every client has its outcome. */
  async end(): Promise<void> {
    this.raging = false;
    await Promise.all(this.loops);
  }

  hangUp(): void {
    for (const client of this.clients) client.hangUp();
  }
}

/** Every request succeeded, got 503 with one of these codes and Retry-After, or got no response if `mayBeLost`. */
export function expectNobodyRefused({ outcomes }: Storm, codes: ProblemCode[], mayBeLost: boolean = false): void {
  const wrong = outcomes.filter(({ status, code, terminal, retryAfter }) => {
    if (status === 0) return !mayBeLost;
    if (status >= 200 && status < 300) return false;
    return terminal || ![408, 503].includes(status) || !retryAfter || !codes.includes(code!);
  });
  expect(wrong.slice(0, 5)).toEqual([]);
}

/**
 * A complete response, or a 503 for the client to retry elsewhere. After the signal also no response at all, but never a
 * part of one.
 */
export function isFineAfterStop(
  { status, bytes, code, retryAfter, closes, sentAt }: Outcome,
  signalledAt: number,
): boolean {
  if (status === 0) return bytes === 0 && (sentAt === undefined || sentAt > signalledAt);
  if (status === 503) return code === 'hashing_busy' || (code === 'shutting_down' && retryAfter && closes);
  return status === 200;
}

/** Every client can refresh with its last stored token, and use the new access token. */
export async function expectAllSignedIn({ clients }: Storm): Promise<void> {
  const worked = await Promise.all(clients.map(async (client) => [await client.refresh(), await client.use()].join()));
  expect(worked).toEqual(clients.map(() => 'true,true'));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
