import { Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Metrics } from '../metrics/metrics.js';

/** PostgreSQL: how many connections there are, and how many requests wait for one. SQLite has no pool. */
@Injectable()
export class ConnectionMetrics {
  constructor(metrics: Metrics, { driver, options }: DataSource) {
    if (options.type !== 'postgres') return;
    metrics.gaugeBy('latchkey_database_connections', 'Connections of the pool, by state', ['state'], 'sum', (set) => {
      const { totalCount, idleCount, waitingCount } = (driver as unknown as { master: Pool }).master;
      set({ state: 'total' }, totalCount);
      set({ state: 'idle' }, idleCount);
      set({ state: 'waiting' }, waitingCount);
    });
  }
}
