import type { Comparison, Holder } from './comparison.js';
import { changeCredentials, endBeyondCap, revokeSessions, sessionsOf, sight, type UserRecord } from './model.js';
import { accessClaims, refreshClaims, type AccessClaims } from './observed.js';
import { accessRefusal, predictSignIn, refusedAccess } from './predictions.js';
import { requests } from './requests.js';

/** The steps with which sessions begin and end on purpose. */
export async function signIn(world: Comparison, user: UserRecord, right: boolean): Promise<void> {
  const { service, model, tally } = world;
  const password = right ? user.password : `${user.password}?`;
  const answer = await requests.login(service.http, user.email, password);
  const refusal = predictSignIn(user, password);
  if (refusal) return world.expect('a sign-in with a wrong password', answer, [refusal]);
  const { session } = world.born('sign in', user, answer, 200);
  tally.add('ended by session_cap', endBeyondCap(model, session, service.now));
  if (world.holders.length >= 6) world.holders.shift();
  world.hold(`browser in session ${session.number}`, answer.body);
}

/** "Ending a session that has ended is no error"; an access token that has expired proves nothing any more. */
export async function logOut(
  world: Comparison,
  holder: Holder,
  by: 'access' | 'refresh' | 'both' | 'an old one',
): Promise<void> {
  const { service, model } = world;
  const ofHolder = world.refreshTokens.filter(
    (token) => refreshClaims(token).sid === refreshClaims(holder.refresh).sid,
  );
  const access = by === 'access' || by === 'both' ? holder.access : undefined;
  const refresh = by === 'access' ? undefined : by === 'an old one' ? ofHolder[0]! : holder.refresh;
  const answer = await requests.logout(service.http, { ...(access && { access }), ...(refresh && { refresh }) });

  const refusal = access ? accessRefusal(model, accessClaims(access), service.now) : null;
  const isWorthless = refusal === 'access_token_expired' || refusal === 'access_token_invalid';
  const ids = [access && !isWorthless ? accessClaims(access).sid : null, refresh ? refreshClaims(refresh).sid : null];
  const ending = ids.filter((id) => id !== null).map((id) => model.sessions.get(id)!);
  if (ending.length === 0) {
    return world.expect('a logout with a worthless token', answer, [{ status: 401, code: refusal!, terminal: false }]);
  }
  world.expect(`${holder.name} logs out with ${by}`, answer, [{ status: 204 }]);
  world.tally.add(`ended by logout with ${by}`, revokeSessions(ending, 'logout', service.now));
}

export async function end(
  world: Comparison,
  holder: Holder,
  what: 'one' | 'others' | 'all',
  sessionId: string,
): Promise<void> {
  const { http } = world.service;
  const title = `${holder.name} ends ${what} of the sessions`;
  const claims = accessClaims(holder.access);
  const answer = await (what === 'one'
    ? requests.end(http, holder.access, sessionId)
    : what === 'others'
      ? requests.endOthers(http, holder.access)
      : requests.endAll(http, holder.access));
  const refusal = acceptAccess(world, claims);
  if (refusal) return world.expect(title, answer, [refusedAccess(refusal, claims.sid)]);

  const { model, service } = world;
  const own = sessionsOf(model, claims.sub);
  const wanted = own.filter(({ id }) => (what === 'one' ? id === sessionId : what === 'all' || id !== claims.sid));
  const ended = revokeSessions(wanted, 'ended_by_user', service.now);
  world.tally.add(`ended by their user: ${what}`, ended);
  const none = { status: 404, code: 'not_found', terminal: false };
  world.expect(title, answer, [what === 'one' && ended === 0 ? none : { status: 204 }]);
}

export async function changePassword(world: Comparison, holder: Holder, right: boolean): Promise<void> {
  const { service, model } = world;
  const claims = accessClaims(holder.access);
  const user = model.users.get(claims.sub)!;
  const next = `the passphrase after ${user.ver} others`;
  const current = right ? user.password : `${user.password}?`;
  const answer = await requests.changePassword(service.http, holder.access, current, next);
  const refusal = acceptAccess(world, claims);
  if (refusal) return world.expect('a change of password', answer, [refusedAccess(refusal, claims.sid)]);
  if (!right) {
    const wrong = { status: 403, code: 'current_password_wrong', terminal: false };
    return world.expect('a change of password with a wrong one', answer, [wrong]);
  }
  changeCredentials(model, user, next, service.now);
  world.tally.add('ended by credentials_changed');
  const { session } = world.born('change password', user, answer, 200);
  Object.assign(holder, { name: `browser in session ${session.number}`, isThief: false });
  Object.assign(holder, { refresh: answer.body.refresh_token, access: answer.body.access_token });
}

/** A guarded request: why its token is refused, or the first sight of its generation. */
function acceptAccess({ model, service }: Comparison, claims: AccessClaims): string | null {
  const refusal = accessRefusal(model, claims, service.now);
  if (!refusal) sight(model, claims.sid, claims.gen);
  return refusal;
}
