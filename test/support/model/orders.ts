import { isDeepStrictEqual } from 'node:util';
import { revokeSessions, type Model } from './model.js';
import type { Observed, RefreshClaims } from './observed.js';
import { predictRefresh, type Prediction } from './predictions.js';
import { present } from './refreshes.js';

/** One of several requests that were sent at once, each with a refresh token. */
export interface Sent {
  what: 'refresh' | 'logout';
  token: RefreshClaims;
}

interface State {
  model: Model;
  /** What presentations were answered so far: equal ones may share an answer. */
  answered: Map<string, Prediction>;
}

/** Every state that the service can be in after these answers: one for each order of events that explains them all. */
export function explanations(model: Model, sent: Sent[], seen: Observed[], t: number): Model[] {
  return search({ model, answered: new Map() }, sent, seen, t);
}

function search(state: State, sent: Sent[], seen: Observed[], t: number): Model[] {
  if (sent.length === 0) return [state.model];
  return sent.flatMap((next, index) =>
    statesAfter(state, next, seen[index]!, t).flatMap((after) =>
      search(after, sent.toSpliced(index, 1), seen.toSpliced(index, 1), t),
    ),
  );
}

/** The states in which `next`, coming now, is answered as it was. */
function statesAfter(state: State, next: Sent, answer: Observed, t: number): State[] {
  const { sid, gen } = next.token;
  const model = structuredClone(state.model);
  if (next.what === 'logout') {
    revokeSessions([model.sessions.get(sid)!], 'logout', t);
    return isDeepStrictEqual(answer, { status: 204 }) ? [{ ...state, model }] : [];
  }
  const key = `${sid} ${gen}`;
  const prediction = predictRefresh(model, sid, present(model, sid, gen, t), t);
  const states: State[] = [];
  if (allows(prediction, answer)) {
    states.push({ model, answered: new Map(state.answered).set(key, prediction) });
  }
  const shared = state.answered.get(key);
  if (shared && allows(shared, answer)) states.push(state);
  return states;
}

export function allows(prediction: Prediction, answer: Observed): boolean {
  return prediction.some((one) => isDeepStrictEqual(one, answer));
}
