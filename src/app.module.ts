import { type DynamicModule, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { AuthModule } from './auth/auth.module.js';
import { ClockModule } from './clock/clock.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { databaseProblem } from './database/database-errors.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { MailModule } from './mail/mail.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { OAuthModule } from './oauth/oauth.module.js';
import { ProblemModule } from './problem/problem.module.js';

/** The list of modules. Your own go here: every route they have is guarded unless it says `@Public()`. */
@Module({
  imports: [ClockModule, AuthModule, OAuthModule, HealthModule, MailModule],
})
export class AppModule {
  static forRoot(config: Config, dataSource: DataSource): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ProblemModule.forRoot(databaseProblem),
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(dataSource),
        MetricsModule.forRoot(config),
      ],
    };
  }
}
