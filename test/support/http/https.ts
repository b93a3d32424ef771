import { text } from 'node:stream/consumers';
import { request } from 'node:https';
import { connect } from 'node:tls';
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
        const content = Buffer.concat(await response.toArray());
        const received = new Headers();
        for (let i = 0; i < response.rawHeaders.length; i += 2)
          received.append(response.rawHeaders[i]!, response.rawHeaders[i + 1]!);
        resolve(new Response(content.length > 0 ? content : null, { status: response.statusCode!, headers: received }));
      });
      sent.on('error', reject).end(body);
    });
  }

  /** The bytes of the responses to a request as it is written here, until the server closes the connection. */
  exchangeRaw(written: string): Promise<string> {
    const socket = connect({ ...this.route, host: '127.0.0.1', servername: new URL(this.url).hostname });
    socket.write(written);
    return text(socket);
  }
}
