import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ConnectionMetrics } from './connection-metrics.js';
import { DatabaseClock } from './database-clock.js';
import { Database } from './database.js';

/** Hands out the one data source: its repositories by entity, and `Database` for statements and transactions. */
@Module({})
export class DatabaseModule {
  static forRoot(dataSource: DataSource): DynamicModule {
    const typeorm = TypeOrmModule.forRootAsync({
      useFactory: () => ({ ...dataSource.options, retryAttempts: 0 }),
      dataSourceFactory: async () => (dataSource.isInitialized ? dataSource : dataSource.initialize()),
    });
    const providers = [Database, DatabaseClock, ConnectionMetrics];
    return { module: DatabaseModule, global: true, imports: [typeorm], providers, exports: [Database, DatabaseClock] };
  }
}
