import { request } from 'node:https';
import type { DocumentedApi } from './documented.js';
import { Http } from './http.js';

/** Where a name leads on this machine, whom to believe there, and from which address to come. */
export interface Route {
  port: number;
  ca: string;
  localAddress: string;
}

/** Http to a public name that a proxy on this machine answers for, over TLS that is checked. */
export class Https extends Http {
  constructor(
    url: string,
    api: DocumentedApi,
    private readonly route: Route,
  ) {
    super(url, api);
  }

  /** Any address of any name that the proxy answers for. */
  override exchange(url: string, { method = 'GET', headers, body }: RequestInit = {}): Promise<Response> {
    const { hostname, pathname, search } = new URL(url);
    const options = {
      ...this.route,
      host: '127.0.0.1',
      servername: hostname,
      method,
      path: pathname + search,
      headers: { host: hostname, ...Object.fromEntries(new Headers(headers)) },
      agent: false as const,
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, async (response) => {
        const text = Buffer.concat(await response.toArray());
        const told = new Headers();
        for (let i = 0; i < response.rawHeaders.length; i += 2)
          told.append(response.rawHeaders[i]!, response.rawHeaders[i + 1]!);
        resolve(new Response(text.length > 0 ? text : null, { status: response.statusCode!, headers: told }));
      });
      sent.on('error', reject).end(body);
    });
  }
}
