import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { ConnectionMetrics } from './connection-metrics.js';
import { DatabaseClock } from './database-clock.js';
import { Database } from './database.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqliteDatabase } from './sqlite-database.js';

/** For the kind of database of the data source. */
export function createDatabase(
  dataSource: DataSource,
  { databaseDirectUrl }: Pick<Config, 'databaseDirectUrl'>,
): PostgresDatabase | SqliteDatabase {
  if (dataSource.options.type !== 'postgres') return new SqliteDatabase(dataSource);
  const isBehindPooler = databaseDirectUrl !== '';
  return new PostgresDatabase(dataSource, !isBehindPooler);
}

/** Provides the one data source: its repositories by entity, and `Database` for statements and transactions. */
@Module({})
export class DatabaseModule {
  static forRoot(dataSource: DataSource): DynamicModule {
    const typeorm = TypeOrmModule.forRootAsync({
      useFactory: () => ({ ...dataSource.options, retryAttempts: 0 }),
      dataSourceFactory: async () => (dataSource.isInitialized ? dataSource : dataSource.initialize()),
    });
    const database = {
      provide: Database,
      inject: [Config],
      useFactory: (config: Config) => createDatabase(dataSource, config),
    };
    return {
      module: DatabaseModule,
      global: true,
      imports: [typeorm],
      providers: [database, DatabaseClock, ConnectionMetrics],
      exports: [Database, DatabaseClock],
    };
  }
}
