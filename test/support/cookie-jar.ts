import { parseSetCookie } from 'cookie';
import type { Answer, Http, RequestOptions } from './http.js';
import type { TestApp } from './app.js';
import { PASSWORD, someEmail } from './people.js';

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

/** The name of a session's cookie, where ISSUER is http://localhost. */
export const nameOf = (sessionId: string) => `latchkey-${sessionId.slice(-12)}`;

/** A browser in which somebody new is signed in. */
export async function signedIn(http: Http, page?: Record<string, string>) {
  const browser = new Browser(http, page);
  const email = someEmail();
  const { body } = await browser.register(email);
  const [cookie] = [...browser.cookies.values()] as [string];
  return { browser, email, cookie, sessionId: body.session_id as string, accessToken: body.access_token as string };
}

/** Uses what it was given, and waits until a refresh rotates. */
export async function comesDue(test: TestApp, accessToken: string): Promise<void> {
  await test.http.get('/auth/whoami', { token: accessToken });
  await test.flush();
  test.clock.move('121s');
}
