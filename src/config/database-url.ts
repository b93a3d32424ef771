export type DatabaseTarget = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };

/** Reads `sqlite:path/to/file` or `postgres://…`; undefined when it is neither. */
export function parseDatabaseUrl(text: unknown): DatabaseTarget | undefined {
  const url = String(text);
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    // There are two connections, and each would have its own in-memory database.
    // `sqlite://data/x` would be a file at the root of the file system.
    return file === '' || file.includes(':memory:') || file.startsWith('//') ? undefined : { kind: 'sqlite', file };
  }
  return parsePostgresUrl(url) === undefined ? undefined : { kind: 'postgres', url };
}

export function parsePostgresUrl(text: string): string | undefined {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? text : undefined;
}
