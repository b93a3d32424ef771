/** Carries the solution of a challenge: base64 of the JSON that `altcha-lib` calls a payload. */
export const CHALLENGE_HEADER = 'Latchkey-Challenge';
