import { judge, type RotationPolicy, type SessionState } from '../../../src/sessions/rotation.js';
import type { Delivery } from '../api.js';
import type { World } from './world.js';

interface Row extends SessionState {
  id: string;
  userId: string;
  delivery: Delivery;
  rotatedAt: number;
  authenticatedAt: number;
}

interface Call {
  route: string;
  token: string | null;
  body: Record<string, string> | undefined;
  /** The browser's cookies, where the request includes credentials. */
  cookies: Map<string, string> | undefined;
}

interface Reply {
  status: number;
  body?: object;
  headers?: Record<string, string>;
  cookies?: [name: string, value: string | null][];
}

const STANDARD: RotationPolicy = { rotationInterval: 120_000, leeway: 60_000 };
/** Account routes that need no access token. */
const PUBLIC = /^POST \/auth\/(password\/(forgot|reset)|email\/(verify|change\/(confirm|undo)))$/;
const RECENT_MS = 600_000;
const TERMINAL = ['session_revoked', 'session_expired', 'refresh_token_reused', 'refresh_token_invalid'];

/** The server as a client sees it. It uses the server's own rotation rules. Tokens are unsigned. */
export class FakeServer {
  accessTtlSeconds = 900;
  /** All requests, in order. */
  readonly calls: Call[] = [];
  /** The number of terminal responses. */
  terminal = 0;
  /** Responds in place of the rules, to simulate faults. */
  instead: ((call: Call) => Response | undefined) | undefined;
  private readonly rows = new Map<string, Row>();
  private readonly versions = new Map<string, number>();
  private issued = 0;

  constructor(private readonly world: World) {}

  handle(call: Call): { response: Response; cookies: [string, string | null][] } {
    this.calls.push(call);
    const instead = this.instead?.(call);
    if (instead) return { response: instead, cookies: [] };
    const reply = this.reply(call);
    if (TERMINAL.includes((reply.body as { code?: string })?.code ?? '')) this.terminal += 1;
    const type = reply.status < 400 ? 'application/json' : 'application/problem+json';
    const response = new Response(reply.status === 204 ? null : JSON.stringify(reply.body), {
      status: reply.status,
      headers: { 'content-type': type, ...reply.headers },
    });
    return { response, cookies: reply.cookies ?? [] };
  }

  /** The number of requests to this route. */
  count(route: string): number {
    return this.calls.filter((call) => call.route === route).length;
  }

  /** Makes the user's access tokens outdated, as a change of roles does. */
  outdate(userId: string): void {
    this.versions.set(userId, this.versionOf(userId) + 1);
  }

  revoke(sessionId: string, reason: string): void {
    Object.assign(this.rows.get(sessionId)!, { revokedAt: this.world.now, revokedReason: reason });
  }

  /** The sessions that are not revoked. */
  activeSessions(): string[] {
    return [...this.rows.values()].filter(({ revokedAt }) => revokedAt === null).map(({ id }) => id);
  }

  generationOf(sessionId: string): number {
    return this.rows.get(sessionId)!.generation;
  }

  private reply(call: Call): Reply {
    const { body = {} } = call;
    switch (call.route) {
      case 'POST /auth/login':
      case 'POST /auth/register':
        if (body['password'] === 'wrong') return problem(401, 'invalid_credentials');
        if (body['password'] === 'to be verified') return { status: 202, body: {} };
        return this.signIn(body['email']!, (body['delivery'] as Delivery) ?? 'body');
      case 'POST /auth/refresh':
        return this.refresh(call);
      case 'POST /auth/logout':
        return this.logout(call);
      default:
        return PUBLIC.test(call.route) ? { status: 204 } : this.guarded(call);
    }
  }

  private signIn(email: string, delivery: Delivery): Reply {
    const reply = this.grant(this.createSession(email, delivery), true);
    if (delivery === 'body') Object.assign(reply.body!, { device_token: `device of ${email} ${(this.issued += 1)}` });
    return reply;
  }

  private createSession(userId: string, delivery: Delivery): Row {
    const id = `00000000-0000-7000-8000-${String((this.issued += 1)).padStart(12, '0')}`;
    const row: Row = {
      id,
      userId,
      delivery,
      rotatedAt: this.world.now,
      authenticatedAt: this.world.now,
      generation: 1,
      acknowledgedGeneration: 0,
      acknowledgedAt: null,
      expiresAt: Infinity,
      idleExpiresAt: Infinity,
      revokedAt: null,
      revokedReason: null,
      userActive: true,
    };
    this.rows.set(id, row);
    return row;
  }

  private presented({ body, cookies }: Call): { sid: string; gen: number } | undefined {
    if (body?.['refresh_token']) return read(body['refresh_token']);
    const text = cookies?.get(cookieOf(body?.['session_id'] ?? ''));
    return text ? read(text) : undefined;
  }

  private refresh(call: Call): Reply {
    const presented = this.presented(call);
    if (!presented) return problem(401, 'refresh_token_missing');
    const row = this.rows.get(presented.sid);
    const verdict = judge(row ?? null, presented.gen, this.world.now, STANDARD);
    if (!row || verdict.outcome === 'refused') {
      return problem(401, 'session_revoked', { session_id: presented.sid, reason: row?.revokedReason ?? 'unknown' });
    }
    if (verdict.outcome === 'reused') {
      this.revoke(row.id, 'reused');
      return problem(401, 'refresh_token_reused', { session_id: row.id, reason: 'reused' });
    }
    if (verdict.outcome === 'unchanged' && verdict.acknowledges) this.acknowledge(row, presented.gen);
    if (verdict.outcome === 'rotate') {
      this.acknowledge(row, presented.gen);
      row.generation = verdict.generation;
      row.rotatedAt = this.world.now;
    }
    return this.grant(row, verdict.outcome !== 'unchanged');
  }

  private logout(call: Call): Reply {
    const presented = this.presented(call);
    if (!presented) return problem(401, 'refresh_token_missing');
    this.revoke(presented.sid, 'logout');
    return { status: 204, cookies: call.cookies ? [[cookieOf(presented.sid), null]] : [] };
  }

  private guarded({ token, route, body }: Call): Reply {
    const claims = token && read(token);
    if (!claims) return problem(401, 'access_token_missing');
    const row = this.rows.get(claims.sid)!;
    // A guard knows that the session is revoked, but not the reason.
    if (row.revokedAt !== null) return problem(401, 'session_revoked');
    if (claims.exp * 1000 <= this.world.now) return problem(401, 'access_token_expired');
    if (claims.ver !== this.versionOf(row.userId)) return problem(401, 'access_token_outdated');
    // The server writes acknowledgements within a second.
    this.world.after(1000, () => this.acknowledge(row, claims.gen));
    if (route === 'POST /auth/password') {
      this.revoke(row.id, 'credentials_changed');
      const reply = this.grant(this.createSession(row.userId, row.delivery), true);
      return { ...reply, cookies: [[cookieOf(row.id), null], ...reply.cookies!] };
    }
    if (body?.['password'] === 'wrong') return problem(403, 'current_password_wrong');
    if (route === 'POST /auth/reauthenticate') {
      row.authenticatedAt = this.world.now;
      return this.grant(row, false);
    }
    const isRecent = this.world.now - claims.auth_time * 1000 <= RECENT_MS;
    if (/email\/change$|users\/me\/(export|deletion)$/.test(route) && !isRecent) {
      return problem(403, 'reauthentication_required', { session_id: row.id });
    }
    if (route === 'POST /users/me/deletion') {
      this.revoke(row.id, 'unknown_user');
      return { status: 204, cookies: [[cookieOf(row.id), null]] };
    }
    return { status: 200, body: { userId: row.userId, gen: claims.gen } };
  }

  private acknowledge(row: Row, generation: number): void {
    if (generation <= row.acknowledgedGeneration || generation > row.generation) return;
    row.acknowledgedGeneration = generation;
    row.acknowledgedAt = this.world.now;
  }

  private grant(row: Row, setsCookie: boolean): Reply {
    const iat = Math.floor(this.world.now / 1000);
    const who = { sid: row.id, sub: row.userId, gen: row.generation };
    const exp = iat + this.accessTtlSeconds;
    const refreshToken = write({ ...who, iat: Math.floor(row.rotatedAt / 1000) });
    return {
      status: 200,
      body: {
        access_token: write({ ...who, iat, exp, ver: this.versionOf(row.userId), ...this.newClaims(row) }),
        token_type: 'Bearer',
        expires_in: this.accessTtlSeconds,
        ...(row.delivery === 'body' && { refresh_token: refreshToken }),
        refresh_expires_in: 604_800,
        session_id: row.id,
      },
      cookies: row.delivery === 'cookie' && setsCookie ? [[cookieOf(row.id), refreshToken]] : [],
    };
  }

  private newClaims({ authenticatedAt }: Row): object {
    return { auth_time: Math.floor(authenticatedAt / 1000), jti: (this.issued += 1) };
  }

  private versionOf(userId: string): number {
    return this.versions.get(userId) ?? 1;
  }
}

function problem(status: number, code: string, more: object = {}): Reply {
  const terminal = TERMINAL.includes(code);
  const requestId = '0b5e2f6e-3c1d-4b52-9a64-6f1f3c1f6a10';
  return {
    status,
    body: { type: `urn:latchkey:problem:${code}`, title: code, status, code, terminal, requestId, ...more },
  };
}

/** The same as a Response, for `instead`. */
export function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  const type = { 'content-type': 'application/problem+json' };
  return new Response(JSON.stringify(problem(status, code, status === 429 ? { limit: 'refresh-session' } : {}).body), {
    status,
    headers: { ...type, ...headers },
  });
}

function cookieOf(sessionId: string): string {
  return `__Host-latchkey-${sessionId.slice(-12)}`;
}

function write(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

function read(token: string): { sid: string; gen: number; exp: number; ver: number; auth_time: number } {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}
