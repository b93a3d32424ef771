import type { Challenge } from 'altcha-lib/types';
import type { DocumentedApi } from './documented.js';

/** A response. `body` is the parsed JSON, text for other media types, or undefined without a body. */
export interface HttpResponse<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token: string;
  refresh_expires_in: number;
  session_id: string;
  /** Where a password was given, with body delivery. */
  device_token?: string;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  terminal: boolean;
  errors?: { field: string; message: string }[];
  session_id?: string;
  reason?: string;
  limit?: string;
  challenge?: Challenge;
}

export interface RequestOptions {
  token?: string;
  json?: unknown;
  form?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** An HTTP client over real sockets. It throws when a response differs from the OpenAPI document. */
export class Http {
  constructor(
    readonly url: string,
    readonly api: DocumentedApi,
  ) {}

  get<B = never>(path: string, options: RequestOptions = {}) {
    return this.send<B>('GET', path, options);
  }
  post<B = never>(path: string, options: RequestOptions = {}) {
    return this.send<B>('POST', path, options);
  }
  patch<B = never>(path: string, options: RequestOptions = {}) {
    return this.send<B>('PATCH', path, options);
  }
  delete<B = never>(path: string, options: RequestOptions = {}) {
    return this.send<B>('DELETE', path, options);
  }

  async send<B = never>(
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<HttpResponse<[B] extends [never] ? any : B>> {
    const { token, json, form } = options;
    const body = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : options.body;
    const headers = new Headers({
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...options.headers,
    });
    const received = await this.exchange(this.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: body as string }),
    });
    const text = await received.text();
    const parsed: unknown = text === '' ? undefined : isJson(received) ? JSON.parse(text) : text;
    const response = { status: received.status, headers: received.headers, body: parsed as never };
    this.api.assertDocumented({ method, path, body, type: headers.get('content-type') }, response);
    return response;
  }

  protected exchange(url: string, init: RequestInit): Promise<Response> {
    return fetch(url, init);
  }
}

function isJson(response: Response): boolean {
  return /json/.test(response.headers.get('content-type') ?? '');
}
