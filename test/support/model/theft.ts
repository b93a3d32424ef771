import fc from 'fast-check';
import { register } from '../app/users.js';
import { applyEvent } from './honest-histories.js';
import { observe, refreshClaims } from './observed.js';
import { requests } from './requests.js';
import type { Setting } from './setting.js';
import type { StillService } from './still-service.js';
import { Trace } from './trace.js';
import type { Tally } from './tally.js';

type Role = 'victim' | 'thief';
type TheftStep =
  | { do: 'refresh'; role: Role; isStored: boolean }
  | { do: 'use' | 'prove'; role: Role }
  | { do: 'copy' | 'flush' | 'forget' | 'kill' | 'shut down' }
  | { do: 'wait'; ms: number }
  | { do: 'wait until'; edge: 'L' | 'C'; plus: number };

const role = fc.constantFrom<Role>('victim', 'thief');
const ms = fc.constantFrom(1, 30_000, 60_000, 60_001, 120_000, 3_600_000, 86_400_000);
const weighted: [number, fc.Arbitrary<object>][] = [
  [80, fc.record({ do: fc.constant('refresh'), role, isStored: fc.nat({ max: 4 }).map((n) => n > 0) })],
  [20, fc.record({ do: fc.constant('use'), role })],
  [60, fc.record({ do: fc.constant('prove'), role })],
  [20, fc.record({ do: fc.constant('flush') })],
  [60, fc.record({ do: fc.constant('wait until'), edge: fc.constantFrom('L', 'C'), plus: fc.constantFrom(-1, 0, 1) })],
  [20, fc.record({ do: fc.constant('wait'), ms })],
  [6, fc.record({ do: fc.constant('copy') })],
  [8, fc.record({ do: fc.constant('forget') })],
  [1, fc.record({ do: fc.constantFrom('kill', 'shut down') })],
];

export const thefts = fc.array(
  fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))) as fc.Arbitrary<TheftStep>,
  { maxLength: 200, size: 'max' },
);

/**
 * A victim and a thief with copies of one cookie jar. It does not know the rules, only the guarantee: when two holders
 * differ, and the newer generation was acknowledged more than L ago, the older holder's next refresh revokes the session.
 */
export class Theft {
  private readonly trace: Trace;
  private jars: Record<Role, { refresh: string; access: string }>;
  /** The newest generation that a holder has presented, but that is not written yet. */
  private proved = 0;
  private acknowledged = 0;
  private acknowledgedAt = 0;

  constructor(
    private readonly service: StillService,
    private readonly setting: Setting,
    private readonly tally: Tally,
  ) {
    service.beginDay(0);
    this.trace = new Trace(() => service.now);
  }

  async run(steps: TheftStep[]): Promise<void> {
    await this.begin();
    for (const step of steps) await this.take(step);
  }

  private async begin(): Promise<void> {
    const { tokens } = await register(this.service.http);
    const jar = { refresh: tokens.refresh_token, access: tokens.access_token };
    this.jars = { victim: jar, thief: { ...jar } };
    this.proved = this.acknowledged = 0;
    this.trace.add('a new session, and the thief has a copy of it');
  }

  private async take(step: TheftStep): Promise<void> {
    switch (step.do) {
      case 'refresh':
        return this.refresh(step.role, step.isStored);
      case 'use':
        return this.use(step.role);
      case 'prove':
        await this.use(step.role);
        return this.take({ do: 'flush' });
      case 'copy':
        this.jars.thief = { ...this.jars.victim };
        return this.trace.add('the thief copies the jar again');
      case 'wait':
        return this.service.move(step.ms);
      case 'wait until': {
        const until = this.acknowledgedAt + this.setting.policy[step.edge] + step.plus;
        return this.service.move(Math.max(0, until - this.service.now));
      }
      default:
        if (step.do === 'flush' || step.do === 'shut down') this.acknowledge();
        else this.proved = 0;
        this.trace.add(step.do);
        return applyEvent(this.service, step.do);
    }
  }

  private acknowledge(): void {
    if (this.proved > this.acknowledged) {
      this.acknowledged = this.proved;
      this.acknowledgedAt = this.service.now;
    }
    this.proved = 0;
  }

  private generationOf(role: Role): number {
    return refreshClaims(this.jars[role].refresh).gen;
  }

  private isDueFor(role: Role): boolean {
    const other = this.generationOf(role === 'victim' ? 'thief' : 'victim');
    const { L } = this.setting.policy;
    return this.generationOf(role) < other && this.acknowledged >= other && this.service.now - this.acknowledgedAt > L;
  }

  private async refresh(role: Role, isStored: boolean): Promise<void> {
    const isDue = this.isDueFor(role);
    const { refresh } = this.jars[role];
    const response = await requests.refresh(this.service.http, refresh);
    const { status, code } = observe(response);
    this.trace.add(`the ${role} presents generation ${refreshClaims(refresh).gen} -> ${status} ${code ?? ''}`);
    if (isDue && status === 200) this.trace.fail(`The ${role} holds the older token, and could refresh`);
    if (status !== 200) return this.expectSignedOut(role, code ?? '', isDue);
    this.proved = Math.max(this.proved, refreshClaims(refresh).gen);
    if (isStored) this.jars[role] = { refresh: response.body.refresh_token, access: response.body.access_token };
  }

  /** Victim and thief are both signed out: none of their tokens is accepted. */
  private async expectSignedOut(role: Role, code: string, isDue: boolean): Promise<void> {
    if (isDue && code !== 'session_expired') {
      this.tally.add(`${role} found out`);
      if (code !== 'refresh_token_reused') this.trace.fail(`The session was over before: ${code}`);
    }
    for (const { refresh, access } of Object.values(this.jars)) {
      const { status } = await requests.refresh(this.service.http, refresh);
      const { status: used } = await requests.whoAmI(this.service.http, access);
      if (status === 200 || used === 200)
        this.trace.fail(`A token of a session that is over was accepted: ${status}, ${used}`);
    }
    await this.begin();
  }

  private async use(role: Role): Promise<void> {
    const { status } = await requests.whoAmI(this.service.http, this.jars[role].access);
    this.trace.add(`the ${role} uses an access token -> ${status}`);
    if (status === 200) this.proved = Math.max(this.proved, this.accessGenerationOf(role));
  }

  private accessGenerationOf(role: Role): number {
    return refreshClaims(this.jars[role].access).gen;
  }
}
