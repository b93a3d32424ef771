import { isDeepStrictEqual } from 'node:util';
import type { HttpResponse, TokenResponse } from '../http/http.js';
import { someEmail } from '../app/users.js';
import { beginSession, emptyModel, nextVersion, type Model, type UserRecord } from './model.js';
import { accessClaims, observe, refreshClaims } from './observed.js';
import { allows } from './orders.js';
import { predictNewSession, predictRefresh, type Prediction } from './predictions.js';
import { present } from './refreshes.js';
import { FIRST_PASSWORD, requests } from './requests.js';
import type { SessionRecord } from './rulebook.js';
import type { Setting } from './setting.js';
import type { StillService } from './still-service.js';
import { Trace } from './trace.js';
import { modelledRows, storedRows } from './stored-rows.js';
import type { Tally } from './tally.js';

/** A holder of tokens: a browser with one cookie jar for all its tabs, or a thief with a copy of it. */
export interface Holder {
  name: string;
  isThief: boolean;
  refresh: string;
  access: string;
}

/** A refresh request or its response in flight. */
interface Message {
  to: Holder;
  token: string;
  response?: TokenResponse;
}

/** The service and the model side by side: the same requests must get the same responses. */
export class Comparison {
  model: Model;
  readonly holders: Holder[] = [];
  readonly messages: Message[] = [];
  /** All tokens ever issued, oldest first. */
  readonly refreshTokens: string[] = [];
  readonly accessTokens: string[] = [];
  /** Earlier states of sessions, which a failover may restore. */
  readonly past = new Map<string, SessionRecord[]>();
  readonly trace: Trace;
  private readonly stringOf = new Map<string, string>();

  constructor(
    readonly service: StillService,
    readonly setting: Setting,
    readonly tally: Tally,
  ) {
    this.model = emptyModel(setting.policy);
    this.trace = new Trace(() => service.now);
  }

  async register(): Promise<void> {
    const email = someEmail();
    const response = await requests.register(this.service.http, email);
    const user = {
      id: accessClaims(response.body.access_token).sub,
      email,
      password: FIRST_PASSWORD,
      ver: nextVersion(0, this.service.now),
    };
    this.model.users.set(user.id, user);
    this.hold(`browser of user ${this.model.users.size}`, this.addSession('register', user, response, 201).response);
  }

  /** Adds a new session to the model and checks the response. */
  addSession(what: string, user: UserRecord, response: HttpResponse<TokenResponse>, status: number) {
    if (response.status !== status) this.trace.fail(`${what} got the response ${JSON.stringify(response.body)}`);
    const session = beginSession(this.model, response.body.session_id, user.id, this.service.now);
    this.expect(
      `${what}, session ${session.number}`,
      response,
      predictNewSession(this.model, session, status, this.service.now),
    );
    return { session, response: response.body };
  }

  hold(name: string, { refresh_token, access_token }: TokenResponse): void {
    this.holders.push({ name, isThief: false, refresh: refresh_token, access: access_token });
  }

  /** Presents a refresh token, and returns the tokens of the response. */
  async refresh(who: string, token: string): Promise<TokenResponse | undefined> {
    const { sid, gen } = refreshClaims(token);
    const now = this.service.now;
    const response = await requests.refresh(this.service.http, token);
    this.remember(sid);
    const outcome = present(this.model, sid, gen, now);
    const { number } = this.model.sessions.get(sid)!;
    const reason = outcome.rule === 1 ? `, ${outcome.reasons.join()}` : '';
    this.tally.add(`rule ${outcome.rule}${reason}`);
    const what = `${who} presents generation ${gen} of session ${number}: rule ${outcome.rule}${reason}`;
    this.expect(what, response, predictRefresh(this.model, sid, outcome, now));
    return response.status === 200 ? response.body : undefined;
  }

  /** Checks a response against the prediction. */
  expect(what: string, response: HttpResponse<object | undefined>, prediction: Prediction): void {
    const observed = observe(response);
    this.trace.add(`${what} -> ${response.status} ${observed.code ?? ''}`);
    if (!allows(prediction, observed)) {
      const actual = JSON.stringify(observed, null, 2);
      this.trace.fail(
        `${what}: the rules predict ${JSON.stringify(prediction, null, 2)}, the service responded ${actual}`,
      );
    }
    this.tally.add('responses');
    if (observed.refresh) this.keepTokens(response.body as TokenResponse);
  }

  /** "Under one secret it is the same string each time." */
  keepTokens({ refresh_token, access_token }: TokenResponse): void {
    const key = JSON.stringify(refreshClaims(refresh_token));
    const known = this.stringOf.get(key) ?? refresh_token;
    if (known !== refresh_token) this.trace.fail(`One generation, two refresh tokens: ${key}`);
    this.stringOf.set(key, refresh_token);
    if (!this.refreshTokens.includes(refresh_token)) this.refreshTokens.push(refresh_token);
    this.accessTokens.push(access_token);
  }

  async expectRows(): Promise<void> {
    const stored = await storedRows(this.service, [...this.model.sessions.keys()]);
    const modelled = modelledRows(this.model);
    this.tally.add('rows', stored.length);
    if (isDeepStrictEqual(stored, modelled)) return;
    this.trace.fail(`The rows say ${JSON.stringify(stored, null, 2)}, the model ${JSON.stringify(modelled, null, 2)}`);
  }

  private remember(sessionId: string): void {
    const states = this.past.get(sessionId) ?? [];
    states.push(structuredClone(this.model.sessions.get(sessionId)!));
    this.past.set(sessionId, states);
  }
}
