/** The API's absolute address, with a trailing slash. A relative `baseUrl` is resolved against the page. */
export function apiBase(baseUrl: string): URL {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const base = new URL(baseUrl, page);
  base.search = base.hash = '';
  base.pathname = base.pathname.replace(/\/*$/, '/');
  return base;
}

/** `/users/me` is below the API's path. Everything else is resolved as in a document at that path. */
export function addressOf(path: string | URL, base: URL): URL {
  return new URL(String(path).replace(/^\/(?!\/)/, './'), base);
}

/** Whether a request to this address may carry the access token: only the API and the named origins may have it. */
export function mayCarryToken(address: URL, base: URL, origins: readonly string[]): boolean {
  const { protocol, origin, pathname } = address;
  if (!/^https?:$/.test(protocol)) return false;
  return origins.includes(origin) || (origin === base.origin && `${pathname}/`.startsWith(base.pathname));
}
