import { request } from 'node:https';
import type { DocumentedApi } from './documented.js';
import { Http } from './http.js';

/** The address of the proxy, the certificate to trust, and the client's address. */
interface Route {
  port: number;
  ca: string;
  localAddress: string;
}

/** HTTPS to a public host name that a proxy on this machine serves. Certificates are verified. */
export class Https extends Http {
  constructor(
    url: string,
    api: DocumentedApi,
    private readonly route: Route,
  ) {
    super(url, api);
  }

  /** Sends a request to any host name of the proxy. */
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
        const received = new Headers();
        for (let i = 0; i < response.rawHeaders.length; i += 2)
          received.append(response.rawHeaders[i]!, response.rawHeaders[i + 1]!);
        resolve(new Response(text.length > 0 ? text : null, { status: response.statusCode!, headers: received }));
      });
      sent.on('error', reject).end(body);
    });
  }
}
