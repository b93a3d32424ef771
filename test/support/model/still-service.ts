import { vi } from 'vitest';
import { PurgeService } from '../../../src/sessions/purge.service.js';
import { SessionWriteBuffer } from '../../../src/sessions/session-write-buffer.js';
import { createTestApp, type TestApp } from '../app/app.js';
import { MovableClock } from '../app/clock.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../database/database.js';
import type { Http } from '../http/http.js';
import type { Setting } from './setting.js';

const DAY = 86_400_000;
const BEGINNING = Date.UTC(2030, 0, 1);

/** The buffers of a process, which a kill loses. */
interface Buffers {
  acknowledged: Map<string, number>;
  extended: Map<string, number>;
  seen: { clear(): void };
}

/** The running application with a stopped clock and without timers: nothing happens by itself. */
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
        .spyOn(SessionWriteBuffer.prototype as unknown as { scheduleFlush(): void }, 'scheduleFlush')
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

  /** Starts a history on a new day, so that it does not depend on earlier ones. */
  beginDay(millisecond: number): void {
    this.clock.standStill((Math.floor(this.now / DAY) + 1) * DAY + millisecond);
  }

  flush(): Promise<void> {
    return this.app.flush();
  }

  /** Loses the buffers as a kill does, but without a restart. */
  loseBuffers(): void {
    const buffers = this.app.app.get(SessionWriteBuffer) as unknown as Buffers;
    buffers.acknowledged.clear();
    buffers.extended.clear();
    buffers.seen.clear();
  }

  /** Passport's strategies are global: the old application closes before the new one starts. */
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
