import { vi } from 'vitest';
import { PurgeService } from '../../../src/sessions/purge.service.js';
import { SessionWriteBuffer } from '../../../src/sessions/session-write-buffer.js';
import { createTestApp, type TestApp } from '../app.js';
import { MovableClock } from '../clock.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../database.js';
import type { Http } from '../http.js';
import type { Setting } from './setting.js';

const DAY = 86_400_000;
const BEGINNING = Date.UTC(2030, 0, 1);

/** What a process has noted and not written, and what it has seen: a kill takes all of it. */
interface Notes {
  acknowledged: Map<string, number>;
  extended: Map<string, number>;
  seen: { clear(): void };
}

/** The running application, in which nothing happens by itself: no time passes, and no timer writes anything. */
export class StillService {
  readonly clock = new MovableClock();

  private constructor(
    private readonly setting: Setting,
    private readonly database: ThrowawayDatabase,
  ) {
    this.clock.standStill(BEGINNING);
  }

  private app: TestApp;
  private stopSpies: () => void;

  static async start(setting: Setting): Promise<StillService> {
    const service = new StillService(setting, await throwawayDatabase());
    const spies = [
      vi
        .spyOn(SessionWriteBuffer.prototype as unknown as { schedule(): void }, 'schedule')
        .mockImplementation(() => {}),
      vi.spyOn(PurgeService.prototype, 'onApplicationBootstrap').mockImplementation(() => {}),
    ];
    service.stopSpies = () => spies.forEach((spy) => spy.mockRestore());
    await service.boot();
    return service;
  }

  get http(): Http {
    return this.app.http;
  }

  get now(): number {
    return this.clock.now();
  }

  move(ms: number): void {
    this.clock.move(`${ms}ms`);
  }

  /** Each history begins on a day of its own, at the same millisecond of it: nothing depends on those before. */
  beginDay(millisecond: number): void {
    this.clock.standStill((Math.floor(this.now / DAY) + 1) * DAY + millisecond);
  }

  flush(): Promise<void> {
    return this.app.flush();
  }

  /** What a kill takes with it, without the second that a new start costs. */
  forgetNotes(): void {
    const notes = this.app.app.get(SessionWriteBuffer) as unknown as Notes;
    notes.acknowledged.clear();
    notes.extended.clear();
    notes.seen.clear();
  }

  /** Passport keeps its strategies in one place for a whole process: the old application closes before the new starts. */
  async restart(): Promise<void> {
    await this.app.close();
    await this.boot();
  }

  purge(): Promise<number> {
    return this.app.app.get(PurgeService).run();
  }

  query<Row>(sql: string): Promise<Row[]> {
    return this.app.dataSource.query<Row[]>(sql);
  }

  async stop(): Promise<void> {
    await this.app.close();
    this.stopSpies();
    await this.database.drop();
  }

  private async boot(): Promise<void> {
    const { env } = this.setting;
    this.app = await createTestApp({ env, databaseUrl: this.database.url, clock: this.clock });
  }
}
