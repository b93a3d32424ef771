import { inspect, isDeepStrictEqual } from 'node:util';
import { at, fromNewest } from './choice.js';
import type { Comparison, Holder } from './comparison.js';
import { observe, refreshClaims } from './observed.js';
import { explanations, type Sent } from './orders.js';
import { requests } from './requests.js';
import type { Step } from './steps.js';
import { modelledRows, storedRows } from './stored-rows.js';
import { signIn } from './take-revocation.js';

export async function refreshNow(world: Comparison, holder: Holder, stored: boolean): Promise<void> {
  const response = await world.refresh(`${holder.name}${stored ? '' : ' (the response will be lost)'}`, holder.refresh);
  if (response && stored) store(holder, response);
  if (!response) await giveUp(world, holder);
}

/** Presents the previous token, which another tab or a thief may still have. */
export async function presentTheOneBefore(world: Comparison, { name, refresh }: Holder): Promise<void> {
  const { sid, gen } = refreshClaims(refresh);
  const before = world.refreshTokens.find((token) => {
    const claims = refreshClaims(token);
    return claims.sid === sid && claims.gen === gen - 1;
  });
  if (before) await world.refresh(`another holder, after ${name},`, before);
}

/** After a terminal error: a browser signs in again, a thief gives up. */
async function giveUp(world: Comparison, holder: Holder): Promise<void> {
  if (world.holders.length > 1) world.holders.splice(world.holders.indexOf(holder), 1);
  const user = world.model.users.get(refreshClaims(holder.refresh).sub)!;
  if (!holder.isThief) await signIn(world, user, true);
}

function store(holder: Holder, { refresh_token, access_token }: { refresh_token: string; access_token: string }): void {
  holder.refresh = refresh_token;
  holder.access = access_token;
}

/** One leg of a slow refresh: the request is sent, arrives, its response is delivered, or one of them is lost. */
export async function travel(world: Comparison, step: Extract<Step, { do: 'send' | 'arrive' | 'deliver' | 'lose' }>) {
  const { messages } = world;
  if (step.do === 'send') {
    const to = at(world.holders, step.who)!;
    if (messages.length < 6) messages.push({ to, token: to.refresh });
    return world.trace.add(`${to.name} sends generation ${refreshClaims(to.refresh).gen}`);
  }
  const wanted = messages.filter(({ response }) => (step.do === 'arrive' ? !response : step.do === 'lose' || response));
  const message = at(wanted, step.message);
  if (!message) return;
  if (step.do === 'arrive') {
    const response = await world.refresh(`a tab of ${message.to.name}`, message.token);
    if (response) message.response = response;
    else messages.splice(messages.indexOf(message), 1);
    return;
  }
  messages.splice(messages.indexOf(message), 1);
  world.trace.add(`a message of ${message.to.name} is ${step.do === 'lose' ? 'lost' : 'delivered'}`);
  if (step.do === 'deliver') store(message.to, message.response!);
}

/** Parallel requests: some order of events must explain all responses and the rows. */
export async function sendTogether(world: Comparison, step: Extract<Step, { do: 'send together' }>): Promise<void> {
  const { service } = world;
  const tokens = step.tokens.map((age) => fromNewest(world.refreshTokens, age));
  // Otherwise an earlier difference would be attributed to these responses.
  await world.expectRows();
  const sent: Sent[] = tokens.map((token, index) => ({
    what: step.logout && index === 0 ? 'logout' : 'refresh',
    token: refreshClaims(token),
  }));
  const responses = await Promise.all(
    sent.map(({ what }, index) =>
      what === 'logout'
        ? requests.logout(service.http, { refresh: tokens[index]! })
        : requests.refresh(service.http, tokens[index]!),
    ),
  );
  const seen = responses.map(observe);
  world.trace.add(`together: ${sent.map(({ what, token }) => `${what} ${token.gen}`).join(', ')}`);
  const rows = await storedRows(service, [...world.model.sessions.keys()]);
  const explained = explanations(world.model, sent, seen, service.now);
  const model = explained.find((model) => isDeepStrictEqual(modelledRows(model), rows));
  if (!model)
    world.trace.fail(
      `No order explains ${inspect({ sent, seen, rows, explained: explained.map(modelledRows) }, { depth: 5 })}`,
    );
  world.model = model;
  world.tally.add('responses', responses.length);
  world.tally.add('together');
  for (const { status, body } of responses) if (status === 200) world.keepTokens(body);
}
