import type { FastifyRequest } from 'fastify';
import type { Identity } from '../identity/identity.js';
import type { RefreshCredential, RejectedCredential } from '../sessions/refresh-outcome.js';
import type { User } from '../users/user.entity.js';
import type { LoginDto, LogoutDto, RefreshDto } from './dto.js';

/** A session that the caller may revoke, because they hold a token of it. */
export type OwnedSession = Pick<Identity, 'sessionId' | 'userId'>;

/** What a request presents to sign in: a user whose password is verified, or the error that refuses it. */
export type LoginCredential =
  { kind: 'verified'; user: User; delivery: LoginDto['delivery'] } | { kind: 'rejected'; error: unknown };

/** What a request presents to sign out. */
export type LogoutCredential = { kind: 'sessions'; sessions: [OwnedSession, ...OwnedSession[]] } | RejectedCredential;

/** A request of which `LocalGuard` verified the password. */
export type LoginRequest = FastifyRequest & { loginCredential: LoginCredential };

/** A request whose refresh token `RefreshGuard` found and verified. */
export type RefreshRequest = FastifyRequest & { body: RefreshDto; refreshCredential: RefreshCredential };

/** A request of which `LogoutGuard` verified the tokens. */
export type LogoutRequest = FastifyRequest & { body: LogoutDto; logoutCredential: LogoutCredential };
