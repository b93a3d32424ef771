import type { LoggerService } from '@nestjs/common';
import type { FastifyBaseLogger } from 'fastify';
import { describeError } from './request-log.js';

/** Nest's own messages, in the same log as everything else. */
export class NestLogger implements LoggerService {
  constructor(private readonly log_: FastifyBaseLogger) {}

  log(message: unknown, ...context: unknown[]): void {
    // At this level, Nest lists the modules and routes that it mapped: operators do not need them.
    this.log_.debug({ context: context.at(-1) }, text(message));
  }
  error(message: unknown, ...context: unknown[]): void {
    this.log_.error({ context: context.at(-1), ...(message instanceof Error && { err: message }) }, text(message));
  }
  warn(message: unknown, ...context: unknown[]): void {
    this.log_.warn({ context: context.at(-1) }, text(message));
  }
  debug(message: unknown, ...context: unknown[]): void {
    this.log_.debug({ context: context.at(-1) }, text(message));
  }
  verbose(message: unknown, ...context: unknown[]): void {
    this.log_.trace({ context: context.at(-1) }, text(message));
  }
}

function text(message: unknown): string {
  return message instanceof Error ? describeError(message).message : String(message);
}
