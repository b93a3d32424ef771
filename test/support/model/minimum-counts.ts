/**
 * How often each event must happen in an ordinary run, by property and setting. The counts are well below the real ones. A
 * run with fewer events fails, because it checks too little.
 */
type Counts = Record<string, number>;

const comparedAnyhow: Counts = {
  flush: 100,
  forget: 15,
  kill: 1,
  'shut down': 1,
  'fail over': 5,
  together: 20,
  rows: 50,
  'rule 1, logout': 3,
  'rule 1, ended_by_user': 3,
  'rule 1, reused': 10,
  'rule 3': 50,
  'rule 4': 30,
  'rule 6': 8,
  'rule 7': 2,
  'whoami accepted': 80,
  'whoami access_token_expired': 10,
  'whoami session_revoked': 15,
  'revoked by credentials_changed': 1,
  'revoked by session_cap': 1,
  'revoked by their user: one': 1,
  'revoked by their user: others': 1,
  'revoked by their user: all': 1,
};

const comparedUsually: Counts = {
  responses: 1200,
  'rule 1, credentials_changed': 1,
  'rule 1, expired_idle': 1,
  'rule 1, expired_absolute': 1,
  'rule 2': 150,
  'rule 5': 5,
  'revoked by logout with access': 1,
  'revoked by logout with refresh': 1,
  'revoked by logout with an old one': 1,
};

const honest: Counts = { flush: 100, forget: 15, kill: 1, 'shut down': 1, revoked: 2, 'new generations': 80 };
const stolen: Counts = { 'victim found out': 3, 'thief found out': 3 };
const revoked: Counts = { logout: 4, 'revoke one': 4, 'revoke all': 1, refresh_token_reused: 4, 'not listed': 5 };

export const MINIMUM_COUNTS = {
  usual: {
    compared: { ...comparedAnyhow, ...comparedUsually },
    honest: { ...honest, 'refresh 200': 300, 'use 200': 150 },
    thefts: stolen,
    revocations: { ...revoked, 'change password': 3, 'revoke others': 1, 'tokens tried': 500 },
  },
  strict: {
    compared: { ...comparedAnyhow, responses: 500 },
    honest: { ...honest, 'refresh 200': 100, 'use 200': 80 },
    thefts: stolen,
    revocations: { ...revoked, 'tokens tried': 200 },
  },
} as const satisfies Record<string, Record<string, Counts>>;
