import fc from 'fast-check';
import type { TokenResponse } from '../http/http.js';
import { someEmail } from '../app/users.js';
import { applyEvent } from './honest-histories.js';
import { refreshClaims } from './observed.js';
import { FIRST_PASSWORD, requests } from './requests.js';
import type { StillService } from './still-service.js';
import { Trace } from './trace.js';
import type { Tally } from './tally.js';

type RevocationStep =
  | { do: 'sign in' | 'revoke others' | 'revoke all' | 'change password' | 'refresh' | 'use and flush'; who: number }
  | { do: 'log out'; who: number; age: number }
  | { do: 'revoke one' | 'reuse'; who: number; other: number }
  | { do: 'flush' | 'forget' | 'kill' | 'shut down' | 'purge' }
  | { do: 'wait'; ms: number };

const LAST_SECOND_OF_A_TOKEN = 899_000;
const who = fc.nat({ max: 5 });
const weighted: [number, fc.Arbitrary<object>][] = [
  [12, fc.record({ do: fc.constant('sign in'), who })],
  [40, fc.record({ do: fc.constantFrom('refresh', 'refresh', 'use and flush'), who })],
  [2, fc.record({ do: fc.constantFrom('revoke others', 'revoke all', 'change password'), who })],
  [3, fc.record({ do: fc.constant('log out'), who, age: fc.nat({ max: 3 }) })],
  [16, fc.record({ do: fc.constantFrom('revoke one', 'reuse', 'reuse', 'reuse'), who, other: who })],
  [12, fc.record({ do: fc.constantFrom('flush', 'flush', 'forget', 'purge') })],
  [
    20,
    fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1, 60_000, 120_000, 120_000, 120_000, 840_000, 86_400_000),
    }),
  ],
  [1, fc.record({ do: fc.constantFrom('kill', 'shut down') })],
];

export const revocations = fc.array(
  fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))) as fc.Arbitrary<RevocationStep>,
  { maxLength: 200, size: 'max' },
);

interface Session {
  id: string;
  refresh: string[];
  access: string[];
}

/**
 * One user with many sessions, and all tokens ever issued for them. It does not know the rules: the tokens of a session
 * that the service has revoked must never be accepted again.
 */
export class RevokedSessions {
  private readonly trace: Trace;
  private readonly email = someEmail();
  private password = FIRST_PASSWORD;
  private changes = 0;
  private sessions: Session[] = [];
  private readonly revoked: Session[] = [];

  constructor(
    private readonly service: StillService,
    private readonly tally: Tally,
  ) {
    service.beginDay(0);
    this.trace = new Trace(() => service.now);
  }

  async run(steps: RevocationStep[]): Promise<void> {
    this.addSession((await requests.register(this.service.http, this.email)).body);
    for (const step of steps) {
      this.trace.add(`${step.do}, ${this.sessions.length} sessions`);
      await this.take(step);
    }
    await this.expectNothingAccepted();
    await this.revokeAndWaitForExpiry();
    await applyEvent(this.service, 'kill');
    await this.expectNothingAccepted();
  }

  /** A revocation must be stored as long as an access token lives that was issued just before it. */
  private async revokeAndWaitForExpiry(): Promise<void> {
    const [session] = this.sessions;
    if (session) await this.refresh(session, session.refresh.at(-1)!);
    if (!session || !this.sessions.includes(session)) return;
    await this.take({ do: 'log out', who: 0, age: 0 });
    this.service.move(LAST_SECOND_OF_A_TOKEN);
    await this.service.purge();
  }

  private async take(step: RevocationStep): Promise<void> {
    switch (step.do) {
      case 'wait':
        // As the process does every second.
        await this.service.flush();
        return this.service.move(step.ms);
      case 'purge':
        return void (await this.service.purge());
      case 'flush':
      case 'forget':
      case 'kill':
      case 'shut down':
        await applyEvent(this.service, step.do);
        return step.do === 'kill' || step.do === 'shut down' ? this.expectNothingAccepted() : undefined;
      case 'sign in':
        return this.signIn();
      default: {
        const session = this.sessions[step.who % Math.max(1, this.sessions.length)];
        return session ? this.actIn(session, step) : this.signIn();
      }
    }
  }

  private async actIn(session: Session, step: Extract<RevocationStep, { who: number }>): Promise<void> {
    const { http } = this.service;
    const access = session.access.at(-1)!;
    const others = this.sessions.filter((other) => other !== session);
    switch (step.do) {
      case 'use and flush':
        await requests.whoAmI(http, access);
        return this.service.flush();
      case 'refresh':
        return this.refresh(session, session.refresh.at(-1)!);
      case 'reuse':
        return this.refresh(session, session.refresh[step.other % session.refresh.length]!);
      case 'log out': {
        const old = session.refresh[Math.max(0, session.refresh.length - 1 - step.age)]!;
        return this.revokedIf((await requests.logout(http, { refresh: old })).status === 204, 'logout', [session]);
      }
      case 'revoke one': {
        const other = this.sessions[step.other % this.sessions.length]!;
        return this.revokedIf((await requests.revoke(http, access, other.id)).status === 204, 'revoke one', [other]);
      }
      case 'revoke others':
        return this.revokedIf((await requests.revokeOthers(http, access)).status === 204, 'revoke others', others);
      case 'revoke all':
        return this.revokedIf((await requests.revokeAll(http, access)).status === 204, 'revoke all', [
          session,
          ...others,
        ]);
      case 'change password':
        return this.changePassword(access);
    }
  }

  /** Finds the sessions that the cap has revoked in the list of sessions. */
  private async signIn(): Promise<void> {
    const { http } = this.service;
    const { body } = await requests.login(http, this.email, this.password);
    const listed = new Set((await requests.list(http, body.access_token)).body.map(({ id }) => id));
    this.revokedIf(
      true,
      'not listed',
      this.sessions.filter(({ id }) => !listed.has(id)),
    );
    this.addSession(body);
  }

  private async refresh(session: Session, token: string): Promise<void> {
    const { status, body } = await requests.refresh(this.service.http, token);
    if (status === 200) {
      if (!session.refresh.includes(body.refresh_token)) session.refresh.push(body.refresh_token);
      return void session.access.push(body.access_token);
    }
    this.trace.add(`generation ${refreshClaims(token).gen} -> ${body.code}`);
    this.revokedIf(body.terminal, body.code, [session]);
  }

  private async changePassword(access: string): Promise<void> {
    const next = `another passphrase, number ${++this.changes}`;
    const { status, body } = await requests.changePassword(this.service.http, access, this.password, next);
    if (status !== 200) return;
    this.revokedIf(true, 'change password', this.sessions);
    this.password = next;
    this.addSession(body);
  }

  private addSession({ session_id, refresh_token, access_token }: TokenResponse): void {
    this.sessions.push({ id: session_id, refresh: [refresh_token], access: [access_token] });
  }

  private revokedIf(condition: boolean, why: string, revoked: Session[]): void {
    if (!condition) return;
    this.tally.add(why, revoked.length);
    this.revoked.push(...revoked);
    this.sessions = this.sessions.filter((session) => !revoked.includes(session));
  }

  private async expectNothingAccepted(): Promise<void> {
    const { http } = this.service;
    for (const { id, refresh, access } of this.revoked) {
      const responses = [
        ...(await Promise.all(refresh.map((token) => requests.refresh(http, token)))),
        ...(await Promise.all(access.slice(-4).map((token) => requests.whoAmI(http, token)))),
      ];
      this.tally.add('tokens tried', responses.length);
      if (responses.some(({ status }) => status === 200))
        this.trace.fail(`A token of revoked session ${id} was accepted`);
    }
  }
}
