import { loadConfig } from '../../../src/config/load-config.js';
import { createDataSource } from '../../../src/data-source.js';
import { TEST_SECRET } from '../app/app.js';

type Row = Record<string, unknown>;

/** Runs one statement on a database that servers use at the same time. */
export async function sql(databaseUrl: string, statement: string): Promise<Row[]> {
  const config = loadConfig({ DATABASE_URL: databaseUrl, APP_SECRET: TEST_SECRET });
  const dataSource = await createDataSource(config).initialize();
  try {
    return (await dataSource.query(statement)) as Row[];
  } finally {
    await dataSource.destroy();
  }
}

/** All rows of all tables, as text. */
export async function dump(databaseUrl: string): Promise<string> {
  const tables = databaseUrl.startsWith('sqlite:')
    ? await sql(databaseUrl, `SELECT name FROM sqlite_master WHERE type = 'table'`)
    : await sql(databaseUrl, `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`);
  const rows = [];
  for (const { name } of tables)
    rows.push({ [String(name)]: await sql(databaseUrl, `SELECT * FROM "${String(name)}"`) });
  return JSON.stringify(rows);
}
