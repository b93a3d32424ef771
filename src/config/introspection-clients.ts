/** A service that may ask about tokens. */
export interface IntrospectionClient {
  id: string;
  secret: string;
}

const MIN_SECRET_BYTES = 32;

/**
 * Reads INTROSPECTION_CLIENTS: `id:secret`, comma list. Undefined unless every id is one of its own and every secret long
 * enough to be compared by its digest.
 */
export function parseIntrospectionClients(text: string): IntrospectionClient[] | undefined {
  const entries = text.split(',').map((entry) => /^([!-9;-~]+):([!-~]+)$/.exec(entry.trim()));
  const clients = entries.flatMap((match) => (match ? [{ id: match[1]!, secret: match[2]! }] : []));
  const ids = new Set(clients.map(({ id }) => id));
  if (clients.length < entries.length || ids.size < clients.length) return undefined;
  return clients.every(({ secret }) => secret.length >= MIN_SECRET_BYTES) ? clients : undefined;
}
