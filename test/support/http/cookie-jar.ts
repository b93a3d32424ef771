import { parseSetCookie } from 'cookie';
import type { HttpResponse, Http, RequestOptions } from './http.js';
import type { TestApp } from '../app/app.js';
import { PASSWORD, someEmail } from '../app/users.js';

export const OURS = 'http://localhost:3000';

/** A browser: its cookies for this server, and the headers of the page that sends the requests. */
export class Browser {
  /** Those of sessions. */
  readonly cookies = new Map<string, string>();
  /** Those that mark it as a known device of its users. */
  readonly deviceCookies = new Map<string, string>();

  constructor(
    private readonly http: Http,
    private readonly page: Record<string, string> = { origin: OURS, 'sec-fetch-site': 'same-origin' },
  ) {}

  /** Sends the cookies with the request, and stores or deletes those that the response sets or clears. */
  async ask(method: string, path: string, options: RequestOptions = {}): Promise<HttpResponse<any>> {
    const cookie = [...this.cookies, ...this.deviceCookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...this.page, ...(cookie && { cookie }), ...options.headers };
    const response = await this.http.send(method, path, { ...options, headers });
    store(this.cookies, setBy(response));
    store(this.deviceCookies, devicesSetBy(response));
    return response;
  }

  post(path: string, json: object = {}, options: RequestOptions = {}): Promise<HttpResponse<any>> {
    return this.ask('POST', path, { json, ...options });
  }

  register(email: string): Promise<HttpResponse<any>> {
    return this.post('/auth/register', { email, password: PASSWORD, delivery: 'cookie' });
  }

  login(email: string): Promise<HttpResponse<any>> {
    return this.post('/auth/login', { email, password: PASSWORD, delivery: 'cookie' });
  }
}

/** The cookies of sessions that a response sets or clears. */
export function setBy(response: HttpResponse<unknown>) {
  return allSetBy(response).filter(({ name }) => !isOfDevice(name));
}

/** The cookies of known devices that a response sets or clears. */
export function devicesSetBy(response: HttpResponse<unknown>) {
  return allSetBy(response).filter(({ name }) => isOfDevice(name));
}

function allSetBy({ headers }: HttpResponse<unknown>) {
  return headers.getSetCookie().map((text) => parseSetCookie(text));
}

function isOfDevice(name: string): boolean {
  return name.includes('latchkey-device-');
}

function store(cookies: Map<string, string>, changes: ReturnType<typeof setBy>): void {
  for (const { name, value = '', maxAge } of changes) {
    if (maxAge === 0) cookies.delete(name);
    else cookies.set(name, value);
  }
}

/** The name of a session's cookie, where ISSUER is http://localhost. */
export const nameOf = (sessionId: string) => `latchkey-${sessionId.slice(-12)}`;

/** A browser with a newly registered user, signed in. */
export async function signedIn(http: Http, page?: Record<string, string>) {
  const browser = new Browser(http, page);
  const email = someEmail();
  const { body } = await browser.register(email);
  const [cookie] = [...browser.cookies.values()] as [string];
  return { browser, email, cookie, sessionId: body.session_id as string, accessToken: body.access_token as string };
}

/** Acknowledges the generation, and moves the clock until a refresh rotates. */
export async function comesDue(test: TestApp, accessToken: string): Promise<void> {
  await test.http.get('/auth/whoami', { token: accessToken });
  await test.flush();
  test.clock.move('121s');
}
