import { join } from 'node:path';
import { refreshRequests } from '../peers/latchkey/subject.mjs';
import { CHEAP_COST } from '../peers/subject.mjs';
import { line, ratio } from '../report/section.mjs';
import { newFolder } from '../support/folders.mjs';
import { startLatchkey, STRICT } from '../support/latchkey.mjs';
import { checkLoad, sendLoad } from '../support/load.mjs';
import { progress } from '../support/progress.mjs';
import { drawTokens, ISSUER, startWithSessions } from '../support/session-rows.mjs';
import { openPostgresSql, openSqliteSql } from '../support/sql.mjs';

/** @typedef {import('../report/section.mjs').Section} Section */

/** So many that few are visited twice. */
const DRAWN = 20_000;
const WARM_UP_SECONDS = 2;
const ENV = { ...STRICT, BCRYPT_COST: CHEAP_COST, ISSUER };

/**
 * Refreshes where the table has few rows and many. Each refresh presents the token of another row, drawn at random.
 *
 * @param {{tableRows: number[], rounds: number, seconds: number, postgres?: import('../support/postgres.mjs').Postgres}} options
 * @returns {Promise<Section[]>}
 */
export async function measureTableSize({ tableRows, rounds, seconds, postgres }) {
  const tables = [];
  try {
    for (const rows of tableRows) {
      const file = join(newFolder(), 'sessions.sqlite');
      tables.push(await startTable('SQLite', rows, `sqlite:${file}`, () => openSqliteSql(file)));
    }
    for (const rows of postgres ? tableRows : []) {
      const url = await postgres.createDatabase();
      tables.push(await startTable('PostgreSQL', rows, url, () => openPostgresSql(url)));
    }
    for (const table of tables) await warmUp(table);
    for (let round = 0; round < rounds; round++)
      for (const table of round % 2 ? tables.toReversed() : tables) {
        const { perSecond } = await sendLoad(await loadOf(table), seconds);
        progress(`round ${round + 1}/${rounds}  ${table.name}  ${Math.round(perSecond)}/s`);
        table.perRound.push(perSecond);
      }
    return [sectionOf(tables)];
  } finally {
    for (const { sql, stop } of tables) {
      await sql.close();
      await stop();
    }
  }
}

async function startTable(database, rows, databaseUrl, openSql) {
  const name = `Latchkey, ${database}, ${rows.toLocaleString('en')} rows`;
  progress(`fill  ${name}`);
  const start = () => startLatchkey({ ...ENV, DATABASE_URL: databaseUrl });
  const { sql, server } = await startWithSessions(rows, start, openSql);
  return { database, rows, name, sql, perRound: [], url: server.url, stop: server.stop };
}

/** A session that the last load left in the middle of a refresh is at its newest generation when it is drawn again. */
async function loadOf({ url, sql, rows }) {
  return { ...refreshRequests(url), tokens: await drawTokens(sql, Math.min(rows, DRAWN)) };
}

async function warmUp(table) {
  const load = await loadOf(table);
  await checkLoad(load);
  await sendLoad(load, WARM_UP_SECONDS);
}

/** @returns {Section} */
function sectionOf(tables) {
  const lines = tables.map(({ name, perRound }) => line(name, perRound));
  const ratios = tables.flatMap(({ database, rows }, i) => {
    const least = tables.findIndex((table) => table.database === database);
    const figure = (number) => number.toLocaleString('en');
    const title = `${database}: ${figure(rows)} / ${figure(tables[least].rows)} rows`;
    return i === least ? [] : [ratio(title, lines[i], lines[least])];
  });
  const title = 'Refreshes by the number of sessions, rows drawn at random';
  return { key: 'table-size', title, unit: 'requests per second', lines, ratios };
}
