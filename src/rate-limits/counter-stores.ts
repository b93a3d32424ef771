import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import type { Counters } from './counters.js';
import { MemoryCounters } from './memory-counters.js';
import { PostgresCounters } from './postgres-counters.js';
import { RateLimitPurge } from './rate-limit-purge.service.js';
import { SubjectHasher } from './subject-hasher.js';

/** Where points are counted. SQLite has one process, whose memory all counters share. */
@Injectable()
export class CounterStores {
  readonly memory: Counters;
  readonly shared: Counters;
  /** What may be used once, over all processes. In memory apart from the others: a flood of addresses pushes nothing out. */
  readonly singleUse: Counters;

  constructor(database: Database, hasher: SubjectHasher, purge: RateLimitPurge, clock: Clock) {
    this.memory = new MemoryCounters(clock);
    this.shared =
      database.kind === 'postgres'
        ? new PostgresCounters(database, hasher, clock, (keys) => purge.noteWritten('rate_limits', keys))
        : new MemoryCounters(clock);
    this.singleUse = database.kind === 'postgres' ? this.shared : new MemoryCounters(clock);
  }
}
