import type { FastifyRequest } from 'fastify';
import type { Identity } from '../identity/identity.js';
import type { RefreshCredential, RejectedCredential } from '../sessions/refresh-outcome.js';
import type { PresentedRefreshToken } from '../tokens/refresh-token-verifier.js';
import type { User } from '../users/user.entity.js';
import type { LoginDto, LogoutDto, RefreshDto } from './dto.js';

/** A session that the caller may revoke, because they hold a token of it. */
export type OwnedSession = Pick<Identity, 'sessionId' | 'userId'>;

/** A user whose password is verified. */
export interface VerifiedLogin {
  user: User;
  delivery: LoginDto['delivery'];
  /** The sessions of this browser, which the sign-in replaces. */
  replaced: string[];
  /** Whether the user has signed in on this device before. */
  isKnownDevice: boolean;
}

/** What a request presents to sign in; or the error that refuses it. */
export type LoginCredential = ({ kind: 'verified' } & VerifiedLogin) | { kind: 'rejected'; error: unknown };

/** The session of an access token, and the verified refresh tokens: of several sessions, the newest that is alive counts. */
export interface HeldTokens {
  session: OwnedSession | null;
  tokens: PresentedRefreshToken[];
}

/** What a request presents to sign out: an access token, refresh tokens, or both. */
export type LogoutCredential = ({ kind: 'tokens' } & HeldTokens) | RejectedCredential;

/** A request of which `LocalGuard` verified the password. */
export type LoginRequest = FastifyRequest & { body: LoginDto; loginCredential: LoginCredential };

/** A request whose refresh token `RefreshGuard` found and verified. */
export type RefreshRequest = FastifyRequest & { body: RefreshDto; refreshCredential: RefreshCredential };

/** A request of which `LogoutGuard` verified the tokens. */
export type LogoutRequest = FastifyRequest & { body: LogoutDto; logoutCredential: LogoutCredential };
