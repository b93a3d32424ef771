import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectFaultTolerance, STORMY, untilRefused } from '../../support/storm/outage-storm.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import {
  canLimit,
  canMount,
  fileSizeLimit,
  smallFileSystem,
  type SmallDisk,
} from '../../support/database/small-disk.js';
import { sql } from '../../support/database/sql.js';

const DISKS: [string, boolean, () => SmallDisk][] = [
  ['its file system is full', canMount, smallFileSystem],
  ['its files cannot grow', canLimit, fileSizeLimit],
];
const missing = DISKS.filter(([, can]) => !can).map(([name]) => name);
if (missing.length > 0)
  process.stderr.write(
    `\n*** NOT POSSIBLE HERE: tests in which ${missing.join(', ')} are SKIPPED (Linux, root) ***\n\n`,
  );

describe('a server on SQLite', { timeout: 90_000 }, () => {
  let disk: SmallDisk;
  let server: ServerProcess;
  afterEach(async () => {
    await server?.stop('SIGKILL');
    disk?.remove();
  });

  for (const [name, can, make] of DISKS) {
    it.runIf(can)(`responds with 503 to writes while ${name}, serves reads, and recovers`, async () => {
      disk = make();
      const databaseUrl = `sqlite:${join(disk.folder, 'test.sqlite')}`;
      server = await startServer({ DATABASE_URL: databaseUrl, ...STORMY });
      const pid = server.process.pid!;
      const meanwhile = await expectFaultTolerance(server.http, databaseUrl, {
        begin: () => disk.fill(pid),
        last: (storm) => untilRefused(storm, 50),
        end: () => disk.makeRoom(pid),
      });
      const reads = meanwhile.filter(({ route }) => route === 'GET /users/me');
      expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
      expect(await sql(databaseUrl, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(await server.stop()).toBe(0);
      expect(await sql(databaseUrl, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    });
  }
});
