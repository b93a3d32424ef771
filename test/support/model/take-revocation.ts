import type { Comparison, Holder } from './comparison.js';
import { changeCredentials, revokeBeyondCap, revokeSessions, sessionsOf, sight, type UserRecord } from './model.js';
import { accessClaims, refreshClaims, type AccessClaims } from './observed.js';
import { accessRefusal, predictSignIn, refusedAccess } from './predictions.js';
import { requests } from './requests.js';

export async function signIn(world: Comparison, user: UserRecord, right: boolean): Promise<void> {
  const { service, model, tally } = world;
  const password = right ? user.password : `${user.password}?`;
  const response = await requests.login(service.http, user.email, password);
  const refusal = predictSignIn(user, password);
  if (refusal) return world.expect('a sign-in with a wrong password', response, [refusal]);
  const { session } = world.addSession('sign in', user, response, 200);
  tally.add('revoked by session_cap', revokeBeyondCap(model, session, service.now));
  if (world.holders.length >= 6) world.holders.shift();
  world.hold(`browser in session ${session.number}`, response.body);
}

/** A session that is revoked already is no error; an expired access token does not authenticate. */
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
  const response = await requests.logout(service.http, { ...(access && { access }), ...(refresh && { refresh }) });

  const refusal = access ? accessRefusal(model, accessClaims(access), service.now) : null;
  const isInvalid = refusal === 'access_token_expired' || refusal === 'access_token_invalid';
  const ids = [access && !isInvalid ? accessClaims(access).sid : null, refresh ? refreshClaims(refresh).sid : null];
  const revoked = ids.filter((id) => id !== null).map((id) => model.sessions.get(id)!);
  if (revoked.length === 0) {
    return world.expect('a logout with an invalid token', response, [{ status: 401, code: refusal!, terminal: false }]);
  }
  world.expect(`${holder.name} logs out with ${by}`, response, [{ status: 204 }]);
  world.tally.add(`revoked by logout with ${by}`, revokeSessions(revoked, 'logout', service.now));
}

export async function revoke(
  world: Comparison,
  holder: Holder,
  what: 'one' | 'others' | 'all',
  sessionId: string,
): Promise<void> {
  const { http } = world.service;
  const title = `${holder.name} revokes ${what} of the sessions`;
  const claims = accessClaims(holder.access);
  const response = await (what === 'one'
    ? requests.revoke(http, holder.access, sessionId)
    : what === 'others'
      ? requests.revokeOthers(http, holder.access)
      : requests.revokeAll(http, holder.access));
  const refusal = acceptAccess(world, claims);
  if (refusal) return world.expect(title, response, [refusedAccess(refusal, claims.sid)]);

  const { model, service } = world;
  const own = sessionsOf(model, claims.sub);
  const wanted = own.filter(({ id }) => (what === 'one' ? id === sessionId : what === 'all' || id !== claims.sid));
  const count = revokeSessions(wanted, 'ended_by_user', service.now);
  world.tally.add(`revoked by their user: ${what}`, count);
  const none = { status: 404, code: 'not_found', terminal: false };
  world.expect(title, response, [what === 'one' && count === 0 ? none : { status: 204 }]);
}

export async function changePassword(world: Comparison, holder: Holder, right: boolean): Promise<void> {
  const { service, model } = world;
  const claims = accessClaims(holder.access);
  const user = model.users.get(claims.sub)!;
  const next = `the passphrase after ${user.ver} others`;
  const current = right ? user.password : `${user.password}?`;
  const response = await requests.changePassword(service.http, holder.access, current, next);
  const refusal = acceptAccess(world, claims);
  if (refusal) return world.expect('a change of password', response, [refusedAccess(refusal, claims.sid)]);
  if (!right) {
    const wrong = { status: 403, code: 'current_password_wrong', terminal: false };
    return world.expect('a change of password with a wrong one', response, [wrong]);
  }
  changeCredentials(model, user, next, service.now);
  world.tally.add('revoked by credentials_changed');
  const { session } = world.addSession('change password', user, response, 200);
  Object.assign(holder, { name: `browser in session ${session.number}`, isThief: false });
  Object.assign(holder, { refresh: response.body.refresh_token, access: response.body.access_token });
}

/** A guarded request: returns the code of its refusal, or notes its generation. */
function acceptAccess({ model, service }: Comparison, claims: AccessClaims): string | null {
  const refusal = accessRefusal(model, claims, service.now);
  if (!refusal) sight(model, claims.sid, claims.gen);
  return refusal;
}
