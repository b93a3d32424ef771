import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { MailModule } from '../mail/mail.module.js';
import { OneTimeTokensModule } from '../one-time-tokens/one-time-tokens.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountDeletionService } from './account-deletion.service.js';
import { AccountExportService } from './account-export.service.js';
import { AccountController } from './account.controller.js';
import { EmailChangeMails } from './email-change-mails.service.js';
import { EmailChangeRequests } from './email-change-requests.service.js';
import { EmailChangeService } from './email-change.service.js';
import { EmailVerificationService } from './email-verification.service.js';
import { EmailController } from './email.controller.js';
import { ImmediateRegistrations } from './immediate-registrations.service.js';
import { PasswordRecoveryService } from './password-recovery.service.js';
import { PasswordController } from './password.controller.js';
import { PendingRegistrations } from './pending-registrations.service.js';
import { ReauthenticationController } from './reauthentication.controller.js';
import { RegistrationController } from './registration.controller.js';
import { RegistrationService } from './registration.service.js';
import { ResetMails } from './reset-mails.service.js';
import { SecurityNotices } from './security-notices.service.js';
import { TokenMails } from './token-mails.js';
import { VerificationMails } from './verification-mails.service.js';

/** What users do with their accounts besides signing in: register, verify, recover, change, take away, delete. */
@Module({
  imports: [
    AuditModule,
    AuthModule,
    MailModule,
    OneTimeTokensModule,
    RateLimitsModule,
    RevocationsModule,
    SessionsModule,
    UsersModule,
  ],
  controllers: [
    AccountController,
    EmailController,
    PasswordController,
    ReauthenticationController,
    RegistrationController,
  ],
  providers: [
    AccountDeletionService,
    AccountExportService,
    EmailChangeMails,
    EmailChangeRequests,
    EmailChangeService,
    EmailVerificationService,
    ImmediateRegistrations,
    PasswordRecoveryService,
    PendingRegistrations,
    RegistrationService,
    ResetMails,
    SecurityNotices,
    TokenMails,
    VerificationMails,
  ],
})
export class AccountsModule {}
