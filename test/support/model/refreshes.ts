import { flush, sight, type Model } from './model.js';
import { appliedRule, type SessionRecord } from './rulebook.js';
import { isStrict } from './setting.js';

/** The outcome for a presented refresh token, by the text of the rules. */
export type Outcome =
  | { rule: 1; reasons: string[] }
  | { rule: 6 }
  /** `ends`: when the session expires, according to the response. */
  | { rule: 2 | 3 | 4 | 5 | 7; session: SessionRecord; ends: number };

/** Presents generation `g` of a session at `t`: changes the model, and returns the expected outcome. */
export function present(model: Model, sessionId: string, g: number, t: number): Outcome {
  const session = model.sessions.get(sessionId)!;
  // The token expires with its session, at the next full second.
  if (t >= Math.ceil(session.expiresAt / 1000) * 1000) return { rule: 1, reasons: ['expired_absolute'] };
  const applied = appliedRule(session, g, t, model.policy);
  switch (applied.rule) {
    case 1:
      return applied;
    case 2:
      if (session.acknowledgedGeneration === g)
        return { rule: 2, session: { ...session }, ends: session.idleExpiresAt };
      sight(model, sessionId, g, true);
      return { rule: 2, session: { ...session }, ends: extendIdle(model, session, t) };
    case 3:
      if (isStrict(model.policy)) Object.assign(session, { acknowledgedGeneration: g, acknowledgedAt: t });
      return move(model, session, g, t, 3);
    case 4:
      return { rule: 4, session: { ...session }, ends: extendIdle(model, session, t) };
    case 5:
      return { rule: 5, session: { ...session }, ends: session.idleExpiresAt };
    case 6:
      Object.assign(session, { revokedAt: t, revokedReason: 'reused' });
      return { rule: 6 };
    case 7:
      Object.assign(session, { acknowledgedGeneration: g, acknowledgedAt: t });
      return move(model, session, g, t, 7);
  }
}

/** In the response at once; in the row with the next flush, which comes before the response where less than half is left. */
function extendIdle(model: Model, session: SessionRecord, t: number): number {
  const ends = idleEnd(model, session, t);
  model.process.extensions.set(session.id, ends);
  if (ends > session.idleExpiresAt && session.idleExpiresAt - t < model.policy.idle / 2) flush(model, t);
  return ends;
}

/** The next generation, which also extends the idle limit. */
function move(model: Model, session: SessionRecord, g: number, t: number, rule: 3 | 7): Outcome {
  Object.assign(session, { generation: g + 1, rotatedAt: t, idleExpiresAt: idleEnd(model, session, t) });
  return { rule, session: { ...session }, ends: session.idleExpiresAt };
}

function idleEnd({ policy }: Model, { expiresAt }: SessionRecord, t: number): number {
  return Math.min(t + policy.idle, expiresAt);
}
