import { isDeepStrictEqual } from 'node:util';
import { revokeSessions, type Model } from './model.js';
import type { Observed, RefreshClaims } from './observed.js';
import { predictRefresh, type Prediction } from './predictions.js';
import { present } from './refreshes.js';

/** One of several parallel requests, each with a refresh token. */
export interface Sent {
  what: 'refresh' | 'logout';
  token: RefreshClaims;
}

interface State {
  model: Model;
  /** Responses so far by presented token: equal presentations may share a response. */
  responses: Map<string, Prediction>;
}

/** All possible states after these responses: one for each order of events that explains them. */
export function explanations(model: Model, sent: Sent[], seen: Observed[], t: number): Model[] {
  return search({ model, responses: new Map() }, sent, seen, t);
}

function search(state: State, sent: Sent[], seen: Observed[], t: number): Model[] {
  if (sent.length === 0) return [state.model];
  return sent.flatMap((next, index) =>
    statesAfter(state, next, seen[index]!, t).flatMap((after) =>
      search(after, sent.toSpliced(index, 1), seen.toSpliced(index, 1), t),
    ),
  );
}

/** The states after `next`, if its response is possible as the next event. */
function statesAfter(state: State, next: Sent, response: Observed, t: number): State[] {
  const { sid, gen } = next.token;
  const model = structuredClone(state.model);
  if (next.what === 'logout') {
    revokeSessions([model.sessions.get(sid)!], 'logout', t);
    return isDeepStrictEqual(response, { status: 204 }) ? [{ ...state, model }] : [];
  }
  const key = `${sid} ${gen}`;
  const prediction = predictRefresh(model, sid, present(model, sid, gen, t), t);
  const states: State[] = [];
  if (allows(prediction, response)) {
    states.push({ model, responses: new Map(state.responses).set(key, prediction) });
  }
  const shared = state.responses.get(key);
  if (shared && allows(shared, response)) states.push(state);
  return states;
}

export function allows(prediction: Prediction, response: Observed): boolean {
  return prediction.some((one) => isDeepStrictEqual(one, response));
}
