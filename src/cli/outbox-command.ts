import { parseArgs } from 'node:util';
import { validate } from 'uuid';

/** `retry` of null: all that are dead. */
export type OutboxCommand = { name: 'list'; asJson: boolean } | { name: 'retry'; id: string | null };

export const OUTBOX_USAGE = `Usage:
  npm run outbox -- list [--json]
  npm run outbox -- retry <id>
  npm run outbox -- retry --all-dead
`;

/** Null where the arguments are no command: then the usage is shown. */
export function readOutboxCommand(args: string[]): OutboxCommand | null {
  const given = parse(args);
  if (!given) return null;
  const [name, id, ...more] = given.positionals;
  const { json = false, 'all-dead': isAll = false } = given.values;
  if (name === 'list' && id === undefined && !isAll) return { name, asJson: json };
  const isOne = id !== undefined && validate(id) && more.length === 0;
  if (name === 'retry' && !json && (isAll ? id === undefined : isOne)) return { name, id: id ?? null };
  return null;
}

function parse(args: string[]) {
  try {
    const options = { json: { type: 'boolean' }, 'all-dead': { type: 'boolean' } } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch {
    // An unknown option.
    return null;
  }
}
