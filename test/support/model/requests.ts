import type { HttpResponse, Http, ProblemBody, TokenResponse } from '../http/http.js';
import { PASSWORD } from '../app/users.js';

type Tokens = Promise<HttpResponse<TokenResponse & ProblemBody>>;

export const FIRST_PASSWORD = PASSWORD;

/** The requests of a client, each with only the given credentials. */
export const requests = {
  register: (http: Http, email: string): Tokens =>
    http.post('/auth/register', { json: { email, password: FIRST_PASSWORD } }),
  login: (http: Http, email: string, password: string): Tokens =>
    http.post('/auth/login', { json: { email, password } }),
  refresh: (http: Http, token: string): Tokens => http.post('/auth/refresh', { json: { refresh_token: token } }),
  whoAmI: (http: Http, token: string) => http.get('/auth/whoami', { token }),
  logout: (http: Http, by: { access?: string; refresh?: string }) =>
    http.post('/auth/logout', {
      ...(by.access !== undefined && { token: by.access }),
      ...(by.refresh !== undefined && { json: { refresh_token: by.refresh } }),
    }),
  list: (http: Http, token: string): Promise<HttpResponse<{ id: string }[]>> => http.get('/sessions', { token }),
  revoke: (http: Http, token: string, id: string) => http.delete(`/sessions/${id}`, { token }),
  revokeOthers: (http: Http, token: string) => http.delete('/sessions?except=current', { token }),
  revokeAll: (http: Http, token: string) => http.delete('/sessions', { token }),
  changePassword: (http: Http, token: string, currentPassword: string, newPassword: string): Tokens =>
    http.post('/auth/password', { token, json: { currentPassword, newPassword } }),
};
