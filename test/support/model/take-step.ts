import { at, fromNewest } from './choice.js';
import { Comparison, type Holder } from './comparison.js';
import { flush, nothingNoted, sight } from './model.js';
import { accessClaims, refreshClaims } from './observed.js';
import { accessRefusal, predictWhoAmI } from './predictions.js';
import { requests } from './requests.js';
import type { Setting } from './setting.js';
import type { History, Step } from './steps.js';
import type { StillService } from './still-service.js';
import type { Tally } from './tally.js';
import { putBack } from './stored-rows.js';
import { changePassword, logOut, revoke, signIn } from './take-revocation.js';
import { presentTheOneBefore, refreshNow, sendTogether, travel } from './take-refresh.js';

/** Runs a history with two users. Throws, with the trace, at the first difference. */
export async function compare(service: StillService, setting: Setting, { millisecond, steps }: History, tally: Tally) {
  service.beginDay(millisecond);
  const world = new Comparison(service, setting, tally);
  await world.register();
  await world.register();
  for (const step of steps) await takeStep(world, step);
  await writeBuffer(world, 'flush');
  await world.expectRows();
}

/** Takes one step in the service and in the model. Does nothing when there is nothing to choose from. */
async function takeStep(world: Comparison, step: Step): Promise<void> {
  const { service, holders } = world;
  switch (step.do) {
    case 'refresh':
      return refreshNow(world, at(holders, step.who)!, step.response === 'stored');
    case 'send':
    case 'arrive':
    case 'deliver':
    case 'lose':
      return travel(world, step);
    case 'use':
      return use(world, at(holders, step.who)!.name, at(holders, step.who)!.access);
    case 'present the one before':
      return presentTheOneBefore(world, at(holders, step.who)!);
    case 'use an old one':
      return use(world, 'a holder', fromNewest(world.accessTokens, step.age));
    case 'present an old one':
      return void (await world.refresh('a holder', fromNewest(world.refreshTokens, step.age)));
    case 'wait':
      service.move(step.ms);
      return world.trace.add(`after ${step.ms} ms`);
    case 'wait until':
      return waitUntil(world, step);
    case 'steal':
      return steal(world, at(holders, step.from)!);
    case 'log out':
      return logOut(world, at(holders, step.who)!, step.with);
    case 'revoke':
      return revoke(world, at(holders, step.who)!, step.what, at([...world.model.sessions.keys()], step.session)!);
    case 'change password':
      return changePassword(world, at(holders, step.who)!, step.right);
    case 'sign in':
      return signIn(world, at([...world.model.users.values()], step.user)!, step.right);
    case 'send together':
      return sendTogether(world, step);
    case 'fail over':
      return failOver(world, at([...world.past.keys()], step.session), step.back);
    default:
      return writeBuffer(world, step.do);
  }
}

/** Uses an access token; the first use of a generation acknowledges it. */
async function use(world: Comparison, who: string, token: string): Promise<void> {
  const { service, model } = world;
  const claims = accessClaims(token);
  const response = await requests.whoAmI(service.http, token);
  const refusal = accessRefusal(model, claims, service.now);
  world.tally.add(`whoami ${refusal ?? 'accepted'}`);
  const { number } = model.sessions.get(claims.sid)!;
  const what = `${who} uses an access token of session ${number}, generation ${claims.gen}`;
  world.expect(what, response, predictWhoAmI(model, claims, service.now));
  if (!refusal) sight(model, claims.sid, claims.gen);
}

async function writeBuffer(world: Comparison, what: 'flush' | 'forget' | 'kill' | 'shut down'): Promise<void> {
  const { service, model } = world;
  world.tally.add(what);
  world.trace.add(what);
  if (what === 'flush' || what === 'shut down') flush(model, service.now);
  if (what !== 'flush') model.process = nothingNoted();
  if (what === 'flush') return service.flush();
  if (what !== 'shut down') service.loseBuffers();
  if (what === 'forget') return;
  await service.restart();
  await useRevokedOnes(world);
}

/** A new process must know earlier revocations from the start. */
async function useRevokedOnes(world: Comparison): Promise<void> {
  const revoked = world.accessTokens.filter(
    (token) => world.model.sessions.get(accessClaims(token).sid)!.revokedAt !== null,
  );
  for (const token of revoked.slice(-3)) await use(world, 'a holder', token);
}

function steal(world: Comparison, from: Holder): void {
  if (world.holders.length >= 6) return;
  world.holders.push({ ...from, name: `a thief with what ${from.name} had`, isThief: true });
  world.trace.add(`a thief copies the jar of ${from.name}`);
}

/** Moves the clock to a time at which the outcome for a session changes, and presents a token there. */
async function waitUntil(world: Comparison, step: Extract<Step, { do: 'wait until' }>): Promise<void> {
  const { service, model, trace } = world;
  const isLimit = step.edge === 'idle' || step.edge === 'absolute';
  const active = [...model.sessions.values()].filter(
    ({ revokedAt, acknowledgedAt }) => revokedAt === null && (isLimit || acknowledgedAt !== null),
  );
  const session = at(active, step.session);
  if (!session) return;
  const { id, number, generation } = session;
  const access = world.accessTokens.findLast((token) => accessClaims(token).sid === id)!;
  const edges = {
    L: session.acknowledgedAt! + model.policy.L,
    C: session.acknowledgedAt! + model.policy.C,
    idle: session.idleExpiresAt,
    absolute: session.expiresAt,
    access: accessClaims(access).exp * 1000,
  };
  const ms = edges[step.edge] + step.plus - service.now;
  if (ms <= 0) return;
  service.move(ms);
  trace.add(`${step.edge} of session ${number}, and ${step.plus} ms`);
  if (!step.asks) return;
  if (step.edge === 'access') return use(world, 'a holder', access);
  const wanted = step.edge === 'L' ? generation - 1 : generation;
  const token = world.refreshTokens.findLast((token) => {
    const { sid, gen } = refreshClaims(token);
    return sid === id && gen === wanted;
  });
  if (token) await world.refresh('a holder', token);
}

/** The database comes back without its last commits; what was revoked stays revoked. */
async function failOver(world: Comparison, sessionId: string | undefined, back: number): Promise<void> {
  if (!sessionId) return;
  const session = world.model.sessions.get(sessionId)!;
  const earlier = at(
    world.past.get(sessionId)!.filter(({ generation }) => generation < session.generation),
    back,
  );
  if (!earlier || session.revokedAt !== null) return;
  Object.assign(session, structuredClone(earlier));
  await putBack(world.service, earlier);
  world.tally.add('fail over');
  world.trace.add(`a failover: session ${session.number} is at generation ${session.generation} again`);
}
