import { Injectable } from '@nestjs/common';

/** The one source of time; tests move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }
}
