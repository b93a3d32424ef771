/** The API's absolute address, without a trailing slash. A relative `baseUrl` is resolved against the page. */
export function apiBase(baseUrl: string): URL {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const base = new URL(baseUrl, page);
  base.search = base.hash = '';
  base.pathname = base.pathname.replace(/\/+$/, '');
  return base;
}

/** `/users/me` is below the API's path. Everything else is resolved as in a document at that path. */
export function addressOf(path: string | URL, base: URL): URL {
  const root = base.href.replace(/\/$/, '');
  return /^\/(?!\/)/.test(String(path)) ? new URL(root + String(path)) : new URL(path, `${root}/`);
}

/** Whether a request to this address may carry the access token: only the API and the named origins may have it. */
export function mayCarryToken(address: URL, base: URL, origins: readonly string[]): boolean {
  if (!/^https?:$/.test(address.protocol)) return false;
  if (origins.includes(address.origin)) return true;
  return address.origin === base.origin && `${address.pathname}/`.startsWith(base.pathname.replace(/\/*$/, '/'));
}
