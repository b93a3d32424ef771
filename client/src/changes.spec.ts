import { describe, expect, it } from 'vitest';
import { changeBetween } from './changes.js';

const GRACE = { id: 'a', userId: 'grace' };

describe('a session that is gone', () => {
  it('has ended where the server said so of it, and of no other', () => {
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
