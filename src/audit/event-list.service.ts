import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, Repository } from 'typeorm';
import { Problem } from '../problem/problem.js';
import { EventCursors } from './event-cursors.js';
import { SecurityEvent } from './security-event.entity.js';

export interface EventPage {
  /** Newest first. */
  events: SecurityEvent[];
  /** The cursor of the next page; null on the last one. */
  next: string | null;
}

/** Lists the security events of a user, in pages that stay stable while events are added (keyset pagination). */
@Injectable()
export class EventListService {
  constructor(
    @InjectRepository(SecurityEvent) private readonly events: Repository<SecurityEvent>,
    private readonly cursors: EventCursors,
  ) {}

  /** Throws `validation_failed` for a cursor that this server did not issue to this user. */
  async page(userId: string, limit: number, cursor?: string): Promise<EventPage> {
    const found = await this.events.find({
      where: { userId, ...(cursor !== undefined && { id: LessThan(this.position(userId, cursor)) }) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const events = found.slice(0, limit);
    const last = events.at(-1);
    return { events, next: last && found.length > limit ? this.cursors.encode(userId, last.id) : null };
  }

  /** Every event of the user, newest first. */
  all(userId: string): Promise<SecurityEvent[]> {
    return this.events.find({ where: { userId }, order: { id: 'DESC' } });
  }

  private position(userId: string, cursor: string): string {
    const id = this.cursors.decode(userId, cursor);
    if (!id) {
      const message = 'Use the value of `next` from the page before, unchanged.';
      throw new Problem('validation_failed', { errors: [{ field: 'cursor', message }] });
    }
    return id;
  }
}
