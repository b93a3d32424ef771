import { sql } from './sql.js';

/** As if the last failures to sign in had just happened: a busy machine may take longer than a delay of a second. */
export async function prolongDelays(databaseUrl: string): Promise<void> {
  await sql(databaseUrl, 'UPDATE password_throttles SET last_attempt_at = last_attempt_at + 3600000');
}
