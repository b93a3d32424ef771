import type { FastifyBaseLogger } from 'fastify';

type Bindings = Parameters<FastifyBaseLogger['child']>[0];
type Options = Parameters<FastifyBaseLogger['child']>[1];

type Line = [value: unknown, message?: string, ...more: unknown[]];
type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/**
 * The logger of a request: its lines have the id of the request. Few requests log anything of their own, so the child
 * logger of pino is made with the first line.
 */
export class RequestLogger implements FastifyBaseLogger {
  private made: FastifyBaseLogger | undefined;

  constructor(
    private readonly parent: FastifyBaseLogger,
    private readonly bindings: Bindings,
    private readonly options: Options,
  ) {}

  get level(): string {
    return this.own.level;
  }

  set level(level: string) {
    this.own.level = level;
  }

  child(bindings: Bindings, options?: Options): FastifyBaseLogger {
    return this.own.child(bindings, options);
  }

  fatal(...line: Line): void {
    this.write('fatal', line);
  }

  error(...line: Line): void {
    this.write('error', line);
  }

  warn(...line: Line): void {
    this.write('warn', line);
  }

  info(...line: Line): void {
    this.write('info', line);
  }

  debug(...line: Line): void {
    this.write('debug', line);
  }

  trace(...line: Line): void {
    this.write('trace', line);
  }

  silent(): void {}

  private write(level: Level, line: Line): void {
    this.own[level](...(line as [string]));
  }

  private get own(): FastifyBaseLogger {
    return (this.made ??= this.parent.child(this.bindings, this.options));
  }
}
