import type { TestApp } from './app.js';
import { Http, type RequestOptions, type TokenResponse } from '../http/http.js';
import { login, register } from './users.js';

/** A signed-in user: every request carries the access token, unless it sets another. */
class Caller extends Http {
  constructor(
    { url, api }: Http,
    readonly email: string,
    readonly tokens: TokenResponse,
  ) {
    super(url, api);
  }

  override send<B = never>(method: string, path: string, options: RequestOptions) {
    return super.send<B>(method, path, { token: this.tokens.access_token, ...options });
  }
}

/** Registers a user with these roles and signs in. */
export async function signedIn({ http, dataSource }: TestApp, roles: string[] = []): Promise<Caller> {
  const { email, tokens } = await register(http);
  if (roles.length === 0) return new Caller(http, email, tokens);
  await dataSource.query(`UPDATE users SET roles = '${JSON.stringify(roles)}' WHERE email = '${email}'`);
  return new Caller(http, email, await login(http, email));
}
