import { solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import type { Challenge } from 'altcha-lib/types';
import type { HttpResponse, RequestOptions } from '../http/http.js';
import { expectProblem } from '../http/problems.js';
import { from, limitedApp } from './limits.js';

/** An application that asks for a proof of work. */
export function challengingApp(env: Record<string, string> = {}, more: Parameters<typeof limitedApp>[1] = {}) {
  return limitedApp({ PROOF_OF_WORK: 'on', ...env }, more);
}

/** Checks that a response asks for a proof of work. */
export function expectChallenge(response: HttpResponse<unknown>): Challenge {
  return expectProblem(response, 403, 'challenge_required').challenge!;
}

/** The value of `Latchkey-Challenge` for a challenge, solved by the library. */
export async function solve(challenge: Challenge): Promise<string> {
  return encode(challenge, (await solveChallenge({ challenge, deriveKey }))!);
}

export function encode(challenge: Challenge, solution: unknown): string {
  return Buffer.from(JSON.stringify({ challenge, solution })).toString('base64');
}

/** The options of a request from this address, with a solution. */
export function withSolution(address: string, header: string, options: RequestOptions = {}): RequestOptions {
  return from(address, { ...options, headers: { 'latchkey-challenge': header, ...options.headers } });
}
