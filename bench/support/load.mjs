import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuMicroseconds } from './cpu.mjs';
import { newFolder } from './folders.mjs';
import { pidAt } from './start-process.mjs';
import { wrk } from './wrk.mjs';

/**
 * What wrk sends, again and again. `{token}` in the path, in the value of a header and in the body is replaced by a credential.
 *
 * @typedef {object} Load
 * @property {string} url where the server listens
 * @property {string} path
 * @property {string} [method]
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {string[]} [tokens] presented one after the other
 * @property {'turn' | 'random'} [order] of the tokens: in turn, where nothing is said
 * @property {boolean} [chain] after its first one, a session presents the `refresh_token` of its last response
 * @property {boolean} [rotates] false where a refresh may give the same token again
 * @property {number} [connections] 32, where nothing is said
 * @property {boolean} [slow] each request hashes a password
 * @property {(body: any) => boolean} expects whether this is the body of a right response
 */

export const luaScript = (name) => fileURLToPath(new URL(`lua/${name}.lua`, import.meta.url));

/**
 * Sends one request, and looks at the response: so that what is measured is not an error page.
 *
 * @param {Load} load
 */
export async function checkLoad(load) {
  const [token = ''] = load.tokens ?? [];
  const fill = (text) => text.replaceAll('{token}', token);
  const headers = Object.fromEntries(Object.entries(load.headers ?? {}).map(([name, value]) => [name, fill(value)]));
  const options = { method: load.method ?? 'GET', headers, ...(load.body && { body: fill(load.body) }) };
  const response = await fetch(load.url + fill(load.path), options);
  const text = await response.text();
  const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  if (response.status < 200 || response.status > 299 || !load.expects(body))
    throw new Error(`${options.method} ${load.url}${load.path}: not the expected response: ${response.status} ${text}`);
  if (load.chain) {
    if (load.rotates !== false && body.refresh_token === token)
      throw new Error(`${load.url}${load.path}: the refresh token was not rotated`);
    load.tokens[0] = body.refresh_token;
  }
}

/**
 * @param {Load} load
 * @returns {Promise<import('./wrk.mjs').Result & {cpuUs?: number}>} with the CPU time of the server for each request, in µs
 * @throws if a single request failed
 */
export async function sendLoad(load, seconds) {
  const options = {
    connections: load.connections ?? 32,
    seconds,
    timeoutSeconds: load.slow ? 60 : 10,
    headers: load.headers,
    ...scriptOf(load),
  };
  const pid = pidAt(load.url);
  const cpuBefore = cpuMicroseconds(pid);
  const result = await wrk(load.url + (options.script ? '' : load.path), options);
  const cpu = cpuMicroseconds(pid) - cpuBefore;
  if (result.failed > 0 || result.errors)
    throw new Error(`${load.url}${load.path}: ${result.failed} requests failed ${result.errors}`);
  if (result.perSecond === 0) throw new Error(`${load.url}${load.path}: no response within ${seconds} s`);
  return { ...result, ...(cpu > 0 && { cpuUs: cpu / result.requests }) };
}

function scriptOf(load) {
  const { method = 'GET', path, body, tokens, order = 'turn', chain, connections = 32 } = load;
  if (!tokens && method === 'GET') return {};
  const env = { METHOD: method, PATH_NAME: path, ...(body && { BODY: body }) };
  if (!tokens) return { script: luaScript('repeat'), env };
  const more = { ORDER: order, TOKENS: join(newFolder(), 'tokens'), LUA_COMMON: luaScript('common') };
  if (!chain) {
    writeFileSync(more.TOKENS, tokens.join('\n'));
    return { script: luaScript('tokens'), env: { ...env, ...more } };
  }
  // A script knows which response belongs to which request only where a thread has one connection.
  for (let thread = 0; thread < connections; thread++)
    writeFileSync(`${more.TOKENS}-${thread}`, tokens.filter((_, i) => i % connections === thread).join('\n'));
  return { script: luaScript('chain'), threads: connections, env: { ...env, ...more } };
}
