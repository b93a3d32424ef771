import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import { Database } from '../database/database.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import { UsersService, type NewUser } from '../users/users.service.js';

/** Registration where addresses need no verification: it signs in at once. */
@Injectable()
export class ImmediateRegistrations {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly events: SecurityEvents,
    private readonly database: Database,
  ) {}

  /** Makes a user and their first session, both or neither. Throws `email_taken`. */
  register(account: NewUser, device: Device): Promise<LiveSession> {
    return this.database.transaction(async (transaction) => {
      const isReserved = await this.oneTimeTokens.isReserved(account.email, transaction);
      const user = isReserved ? null : await this.users.create(account, null, transaction);
      if (!user) throw new Problem('email_taken');
      const session = (await this.sessions.start(user, device, transaction))!;
      const common = { userId: user.id, sessionId: session.id, origin: device };
      const events = [{ type: 'registered', ...common } as const, { type: 'sign_in', ...common } as const];
      await this.events.recordAll(events, transaction);
      return session;
    });
  }
}
