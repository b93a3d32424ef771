import { describe, expect, it } from 'vitest';
import { createTestApp } from '../../support/app/app.js';
import { Browser, setBy } from '../../support/http/cookie-jar.js';
import { someEmail } from '../../support/app/users.js';

describe('the cookie of a session', () => {
  it.each([
    ['https://auth.example.com', true],
    ['http://127.0.0.1:3000', true],
    ['http://localhost', false],
    ['http://localhost:4000', false],
    ['https://localhost:4000', true],
  ])('has the __Host- prefix and Secure unless ISSUER is http://localhost: %s', async (issuer, isSecure) => {
    const other = await createTestApp({ env: { ISSUER: issuer } });
    const browser = new Browser(other.http, { origin: issuer });
    const response = await browser.register(someEmail());
    const [cookie] = setBy(response);
    const name = `${isSecure ? '__Host-' : ''}latchkey-${response.body.session_id.slice(-12)}`;
    expect([cookie!.name, cookie!.secure ?? false, cookie!.domain]).toEqual([name, isSecure, undefined]);
    expect((await browser.post('/auth/refresh')).status).toBe(200);
    // Without Secure a browser would ignore the header and keep the cookie.
    const [cleared] = setBy(await browser.post('/auth/logout'));
    expect(cleared).toEqual({ ...cookie, value: '', maxAge: 0 });
    await other.close();
  });
});
