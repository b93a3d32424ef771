import { describe, expect, it } from 'vitest';
import { changeBetween } from './changes.js';

const GRACE = { id: 'a', userId: 'grace' };

describe('a change to no session', () => {
  it('is of type ended only for the session that the server reported', () => {
    const ended = { sessionId: 'a', code: 'session_revoked', reason: 'reused' } as const;
    expect(changeBetween(GRACE, null, ended)).toEqual({
      session: null,
      type: 'ended',
      code: 'session_revoked',
      reason: 'reused',
    });
    expect(changeBetween(GRACE, null, { ...ended, sessionId: 'b' })).toEqual({ session: null, type: 'signed_out' });
    expect(changeBetween(GRACE, null)).toEqual({ session: null, type: 'signed_out' });
  });
});
