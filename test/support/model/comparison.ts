import { isDeepStrictEqual } from 'node:util';
import type { Answer, TokenResponse } from '../http.js';
import { someEmail } from '../people.js';
import { beginSession, emptyModel, type Model, type UserRecord } from './model.js';
import { accessClaims, observe, refreshClaims } from './observed.js';
import { allows } from './orders.js';
import { predictBirth, predictRefresh, type Prediction } from './predictions.js';
import { present } from './refreshes.js';
import { FIRST_PASSWORD, requests } from './requests.js';
import type { SessionRecord } from './rulebook.js';
import type { Setting } from './setting.js';
import type { StillService } from './still-service.js';
import { Story } from './story.js';
import { modelledRows, storedRows } from './stored-rows.js';
import type { Tally } from './tally.js';

/** Whoever has tokens: a browser with one jar for all its tabs, or a thief with a copy of it. */
export interface Holder {
  name: string;
  isThief: boolean;
  refresh: string;
  access: string;
}

/** A refresh on its way, to the service or back. */
export interface Message {
  to: Holder;
  token: string;
  answer?: TokenResponse;
}

/** The service and the model side by side: both are told the same, and must answer the same. */
export class Comparison {
  model: Model;
  readonly holders: Holder[] = [];
  readonly messages: Message[] = [];
  /** Everything that was ever issued, oldest first. */
  readonly refreshTokens: string[] = [];
  readonly accessTokens: string[] = [];
  /** Earlier states of sessions that a failover may bring back. */
  readonly past = new Map<string, SessionRecord[]>();
  readonly story: Story;
  private readonly stringOf = new Map<string, string>();

  constructor(
    readonly service: StillService,
    readonly setting: Setting,
    readonly tally: Tally,
  ) {
    this.model = emptyModel(setting.policy);
    this.story = new Story(() => service.now);
  }

  async register(): Promise<void> {
    const email = someEmail();
    const answer = await requests.register(this.service.http, email);
    const user = { id: accessClaims(answer.body.access_token).sub, email, password: FIRST_PASSWORD, ver: 1 };
    this.model.users.set(user.id, user);
    this.hold(`browser of user ${this.model.users.size}`, this.born('register', user, answer, 201).answer);
  }

  /** A session has begun; checked, and noted in the model. */
  born(what: string, user: UserRecord, answer: Answer<TokenResponse>, status: number) {
    if (answer.status !== status) this.story.fail(`${what} was answered ${JSON.stringify(answer.body)}`);
    const session = beginSession(this.model, answer.body.session_id, user.id, this.service.now);
    this.expect(
      `${what}, session ${session.number}`,
      answer,
      predictBirth(this.model, session, status, this.service.now),
    );
    return { session, answer: answer.body };
  }

  hold(name: string, { refresh_token, access_token }: TokenResponse): void {
    this.holders.push({ name, isThief: false, refresh: refresh_token, access: access_token });
  }

  /** Presents a refresh token, and answers with what the client got. */
  async refresh(who: string, token: string): Promise<TokenResponse | undefined> {
    const { sid, gen } = refreshClaims(token);
    const now = this.service.now;
    const answer = await requests.refresh(this.service.http, token);
    this.remember(sid);
    const outcome = present(this.model, sid, gen, now);
    const { number } = this.model.sessions.get(sid)!;
    const reason = outcome.rule === 1 ? `, ${outcome.reasons.join()}` : '';
    this.tally.add(`rule ${outcome.rule}${reason}`);
    const what = `${who} presents generation ${gen} of session ${number}: rule ${outcome.rule}${reason}`;
    this.expect(what, answer, predictRefresh(this.model, sid, outcome, now));
    return answer.status === 200 ? answer.body : undefined;
  }

  /** Holds an answer against what the text allows. */
  expect(what: string, answer: Answer<object | undefined>, prediction: Prediction): void {
    const observed = observe(answer);
    this.story.tell(`${what} -> ${answer.status} ${observed.code ?? ''}`);
    if (!allows(prediction, observed)) {
      const said = JSON.stringify(observed, null, 2);
      this.story.fail(`${what}: the text says ${JSON.stringify(prediction, null, 2)}, the service ${said}`);
    }
    this.tally.add('answers');
    if (observed.refresh) this.keepTokens(answer.body as TokenResponse);
  }

  /** "Under one secret it is the same string each time." */
  keepTokens({ refresh_token, access_token }: TokenResponse): void {
    const key = JSON.stringify(refreshClaims(refresh_token));
    const known = this.stringOf.get(key) ?? refresh_token;
    if (known !== refresh_token) this.story.fail(`One generation, two refresh tokens: ${key}`);
    this.stringOf.set(key, refresh_token);
    if (!this.refreshTokens.includes(refresh_token)) this.refreshTokens.push(refresh_token);
    this.accessTokens.push(access_token);
  }

  async expectRows(): Promise<void> {
    const stored = await storedRows(this.service, [...this.model.sessions.keys()]);
    const modelled = modelledRows(this.model);
    this.tally.add('rows', stored.length);
    if (isDeepStrictEqual(stored, modelled)) return;
    this.story.fail(`The rows say ${JSON.stringify(stored, null, 2)}, the model ${JSON.stringify(modelled, null, 2)}`);
  }

  private remember(sessionId: string): void {
    const states = this.past.get(sessionId) ?? [];
    states.push(structuredClone(this.model.sessions.get(sessionId)!));
    this.past.set(sessionId, states);
  }
}
