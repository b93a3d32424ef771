import { Injectable } from '@nestjs/common';
import { SecurityEventView } from '../audit/dto.js';
import { EventListService } from '../audit/event-list.service.js';
import { Clock } from '../clock/clock.js';
import type { Identity } from '../identity/identity.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { Profile } from '../users/dto.js';
import { UsersService } from '../users/users.service.js';
import { AccountExport, ExportedLink, ExportedSession } from './account-export.js';

/** Everything that is stored about a user, for them to take away (GDPR articles 15 and 20). */
@Injectable()
export class AccountExportService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly events: EventListService,
    private readonly clock: Clock,
  ) {}

  async export({ userId, sessionId }: Identity): Promise<AccountExport> {
    const user = await this.users.findById(userId);
    if (!user) throw new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
    const sessions = await this.sessions.findAll(userId);
    const links = await this.oneTimeTokens.findForUser(userId);
    const events = await this.events.all(userId);
    return Object.assign(new AccountExport(), {
      exportedAt: new Date(this.clock.now()).toISOString(),
      profile: Profile.from(user),
      sessions: sessions.map((session) => ExportedSession.from(session)),
      links: links.map((link) => ExportedLink.from(link)),
      securityEvents: events.map((event) => SecurityEventView.from(event, sessionId)),
    });
  }
}
