import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ConnectionMetrics } from './connection-metrics.js';
import { DatabaseClock } from './database-clock.js';
import { Database } from './database.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqliteDatabase } from './sqlite-database.js';

/** For the kind of database of the data source. */
export function createDatabase(dataSource: DataSource): PostgresDatabase | SqliteDatabase {
  return dataSource.options.type === 'postgres' ? new PostgresDatabase(dataSource) : new SqliteDatabase(dataSource);
}

/** Provides the one data source: its repositories by entity, and `Database` for statements and transactions. */
@Module({})
export class DatabaseModule {
  static forRoot(dataSource: DataSource): DynamicModule {
    const typeorm = TypeOrmModule.forRootAsync({
      useFactory: () => ({ ...dataSource.options, retryAttempts: 0 }),
      dataSourceFactory: async () => (dataSource.isInitialized ? dataSource : dataSource.initialize()),
    });
    const database = { provide: Database, useFactory: () => createDatabase(dataSource) };
    return {
      module: DatabaseModule,
      global: true,
      imports: [typeorm],
      providers: [database, DatabaseClock, ConnectionMetrics],
      exports: [Database, DatabaseClock],
    };
  }
}
