import { describe, expect, it } from 'vitest';
import { changeBetween } from './changes.js';

const GRACE = { id: 'a', userId: 'grace' };

describe('a session that is gone', () => {
  it('has ended where the server said so of it, and of no other', () => {
    const ending = { sessionId: 'a', code: 'session_revoked', because: 'reused' } as const;
    expect(changeBetween(GRACE, null, ending)).toEqual({
      session: null,
      reason: 'ended',
      code: 'session_revoked',
      because: 'reused',
    });
    expect(changeBetween(GRACE, null, { ...ending, sessionId: 'b' })).toEqual({ session: null, reason: 'signed_out' });
    expect(changeBetween(GRACE, null)).toEqual({ session: null, reason: 'signed_out' });
  });
});
