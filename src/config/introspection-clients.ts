/** A service that may introspect tokens. */
export interface IntrospectionClient {
  id: string;
  secret: string;
}

const MIN_SECRET_BYTES = 32;

/**
 * Reads INTROSPECTION_CLIENTS: `id:secret`, comma list. Undefined unless the ids are unique and every secret is too long
 * to guess: it is compared by its digest alone.
 */
export function parseIntrospectionClients(text: string): IntrospectionClient[] | undefined {
  const entries = text.split(',').map((entry) => /^([!-9;-~]+):([!-~]+)$/.exec(entry.trim()));
  const clients = entries.flatMap((match) => (match ? [{ id: match[1]!, secret: match[2]! }] : []));
  const ids = new Set(clients.map(({ id }) => id));
  if (clients.length < entries.length || ids.size < clients.length) return undefined;
  return clients.every(({ secret }) => secret.length >= MIN_SECRET_BYTES) ? clients : undefined;
}
