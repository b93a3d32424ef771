/** Where the API is: an absolute address without a slash at its end. A relative one is taken from the page's. */
export function apiBase(baseUrl: string): URL {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const base = new URL(baseUrl, page);
  base.search = base.hash = '';
  base.pathname = base.pathname.replace(/\/+$/, '');
  return base;
}

/** `/users/me` is below the API. Everything else means what it would mean in a document there. */
export function addressOf(path: string | URL, base: URL): URL {
  const root = base.href.replace(/\/$/, '');
  return /^\/(?!\/)/.test(String(path)) ? new URL(root + String(path)) : new URL(path, `${root}/`);
}

/** Whether the access token may go there: to the API itself, and to the origins that were named. */
export function mayCarryToken(address: URL, base: URL, origins: readonly string[]): boolean {
  if (!/^https?:$/.test(address.protocol)) return false;
  if (origins.includes(address.origin)) return true;
  return address.origin === base.origin && `${address.pathname}/`.startsWith(base.pathname.replace(/\/*$/, '/'));
}
