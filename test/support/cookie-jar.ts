import { parseSetCookie } from 'cookie';
import type { Answer, Http, RequestOptions } from './http.js';
import { PASSWORD } from './people.js';

export const OURS = 'http://localhost:3000';

/** A browser's cookies for this server, and the page that its requests come from. */
export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(
    private readonly http: Http,
    private readonly page: Record<string, string> = { origin: OURS, 'sec-fetch-site': 'same-origin' },
  ) {}

  /** As the browser would send it; what it sets and clears is kept. */
  async ask(method: string, path: string, options: RequestOptions = {}): Promise<Answer<any>> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...this.page, ...(cookie && { cookie }), ...options.headers };
    const answer = await this.http.send(method, path, { ...options, headers });
    for (const { name, value = '', maxAge } of setBy(answer)) {
      if (maxAge === 0) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  post(path: string, json: object = {}, options: RequestOptions = {}): Promise<Answer<any>> {
    return this.ask('POST', path, { json, ...options });
  }

  register(email: string): Promise<Answer<any>> {
    return this.post('/auth/register', { email, password: PASSWORD, delivery: 'cookie' });
  }

  login(email: string): Promise<Answer<any>> {
    return this.post('/auth/login', { email, password: PASSWORD, delivery: 'cookie' });
  }
}

export function setBy({ headers }: Answer<unknown>) {
  return headers.getSetCookie().map((text) => parseSetCookie(text));
}
