import type { DataSource } from 'typeorm';

/** All tables except the one of the migrations. */
export async function tablesIn(dataSource: DataSource): Promise<string[]> {
  const sql =
    dataSource.options.type === 'postgres'
      ? `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations'`
      : `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('migrations', 'sqlite_sequence')`;
  const rows = await dataSource.query<{ name: string }[]>(sql);
  return rows.map(({ name }) => name).sort();
}

/** The complete schema, in a form that can be compared. */
export async function schemaOf(dataSource: DataSource): Promise<unknown[]> {
  const statements =
    dataSource.options.type === 'postgres'
      ? [
          `SELECT table_name, column_name, ordinal_position, data_type, character_maximum_length, is_nullable,
             column_default FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3`,
          `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`,
          `SELECT conrelid::regclass::text AS of, conname, pg_get_constraintdef(oid) FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
          `SELECT relname, reloptions FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
        ]
      : [`SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2`];
  const results: unknown[] = [];
  for (const sql of statements) results.push(await dataSource.query(sql));
  return results;
}
