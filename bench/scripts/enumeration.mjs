import { Agent, request } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeAccounts, newAddress } from './enumeration-accounts.mjs';
import { holm, quantile, rankSum, selfTest } from './rank-sum.mjs';
import { PASSWORD, post, startLatchkey } from '../support/latchkey.mjs';

/**
 * Whether responses tell which addresses have an account: status, headers, body and time of login, register, forgot and change
 * of address. One request at a time over one connection, the kinds of a route in random order. Exits with 1 if they do.
 * `node bench/scripts/enumeration.mjs [--postgres URL] [--samples 300] [--cost 10] [--only login] [--self-test]`
 */
const { values: options } = parseArgs({
  options: {
    postgres: { type: 'string' },
    samples: { type: 'string', default: '300' },
    cost: { type: 'string', default: '10' },
    only: { type: 'string' },
    'self-test': { type: 'boolean' },
  },
});
const SAMPLES = Number(options.samples);
const WARM_UP = Math.min(20, SAMPLES);
const MAX_DIFFERENCE_MS = 5;
const LEVEL = 0.01;
/** Lets the mail of the last request be sent before the next one: what it takes would only add noise. */
const PAUSE_MS = 15;
const WRONG = 'not the password at all';

selfTest();
if (options['self-test']) {
  console.log('The rank-sum test, Holm’s correction and the quantiles reproduce their examples');
  process.exit();
}

const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
const env = {
  APP_SECRET: 'a secret of the benchmarks and of nothing else',
  DATABASE_URL: options.postgres ?? `sqlite:${join(folder, 'bench.sqlite')}`,
  BCRYPT_COST: options.cost,
  EMAIL_VERIFICATION: 'required',
  // So that no mail is dropped or postponed by a budget.
  MAIL_RECIPIENT_LIMIT: '1000',
  MAIL_DOMAIN_LIMIT: '1000000',
  MAIL_TOTAL_LIMIT: '1000000',
};
const UNLIMITED = 'password-address=1000000/1d,password-network=1000000/1d';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const accounts = await makeAccounts(env, SAMPLES + WARM_UP);
const results = [
  ...(await measured({ RATE_LIMITS: 'off' }, [login, register, forgot, changeOfAddress])),
  ...(await measured({ RATE_LIMITS: 'on', RATE_LIMIT_OVERRIDES: UNLIMITED }, [stoppedLogin])),
];
agent.destroy();
rmSync(folder, { recursive: true });
process.exitCode = report(results) ? 0 : 1;

/** A route, and what makes a request of each kind. The others are compared with the first kind. */
function login() {
  const of = (emails) => (i) => ({ email: emails[i], password: WRONG });
  return {
    path: '/auth/login',
    kinds: {
      'wrong password': of(accounts.known),
      unknown: () => ({ email: newAddress(), password: WRONG }),
      disabled: (i) => ({ email: accounts.disabled[i], password: PASSWORD }),
      unverified: (i) => ({ email: accounts.unverified[i], password: PASSWORD }),
    },
  };
}

/** With limits: each address has failed never, or 100 times. */
function stoppedLogin() {
  return {
    path: '/auth/login',
    kinds: {
      'first wrong password': (i) => ({ email: accounts.known[i], password: WRONG }),
      'unknown, first': () => ({ email: newAddress(), password: WRONG }),
      stopped: (i) => ({ email: accounts.stopped[i], password: WRONG }),
      'stopped, right password': (i) => ({ email: accounts.stopped[i], password: PASSWORD }),
      'stopped, unknown': (i) => ({ email: accounts.stoppedUnknown[i], password: WRONG }),
    },
  };
}

function register() {
  return {
    path: '/auth/register',
    kinds: {
      new: () => ({ email: newAddress(), password: PASSWORD }),
      taken: (i) => ({ email: accounts.known[i], password: PASSWORD }),
    },
  };
}

function forgot() {
  return {
    path: '/auth/password/forgot',
    kinds: {
      known: (i) => ({ email: accounts.known[i] }),
      unknown: () => ({ email: newAddress() }),
      disabled: (i) => ({ email: accounts.disabled[i] }),
      unverified: (i) => ({ email: accounts.unverified[i] }),
    },
  };
}

async function changeOfAddress(url) {
  const callers = [];
  for (const email of accounts.known.slice(0, 10))
    callers.push((await post(url, '/auth/login', { email, password: PASSWORD })).body.access_token);
  return {
    path: '/auth/email/change',
    token: () => callers[Math.floor(Math.random() * callers.length)],
    kinds: {
      free: () => ({ newEmail: newAddress(), password: PASSWORD }),
      taken: (i) => ({ newEmail: accounts.known.at(-1 - (i % 20)), password: PASSWORD }),
    },
  };
}

/** Results of these routes, from one server. */
async function measured(limits, routes) {
  const server = await startLatchkey({ ...env, ...limits });
  const results = [];
  for (const route of routes.filter(({ name }) => !options.only || name === options.only))
    results.push(...compare(route.name, await sample(server.url, await route(server.url))));
  await server.stop();
  return results;
}

/** Responses by kind, each with its time in milliseconds. */
async function sample(url, { path, kinds, token = () => undefined }) {
  const order = Object.keys(kinds).flatMap((kind) =>
    Array.from({ length: SAMPLES + WARM_UP }, (_, i) => ({ kind, i })),
  );
  const responses = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  const warmUp = order.filter(({ i }) => i >= SAMPLES);
  const counted = order.filter(({ i }) => i < SAMPLES);
  for (const { kind, i } of [...shuffled(warmUp), ...shuffled(counted)]) {
    const response = await send(url + path, kinds[kind](i), token());
    if (i < SAMPLES) responses[kind].push(response);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return responses;
}

function shuffled(values) {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
}

/** From the first byte that is written until the last one that is read. */
function send(url, json, token) {
  const body = JSON.stringify(json);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  if (token) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint();
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const ms = Number(process.hrtime.bigint() - begun) / 1e6;
        resolve({ ms, visible: visible(response, Buffer.concat(chunks).toString()) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What a client sees besides the time, as text. Headers in their order and spelling. */
function visible({ statusCode, rawHeaders }, body) {
  const lines = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    lines.push(`${name}: ${/^(date|x-request-id)$/i.test(name) ? '…' : rawHeaders[i + 1]}`);
  }
  return [statusCode, ...lines, body.replace(/("requestId":")[^"]+/, '$1…')].join('\n');
}

function compare(route, responses) {
  const [first, ...others] = Object.keys(responses);
  const times = (kind) => responses[kind].map(({ ms }) => ms);
  const looks = (kind) => [...new Set(responses[kind].map(({ visible }) => visible))];
  return others.map((kind) => {
    const texts = [...new Set([...looks(first), ...looks(kind)])];
    return { route, first, kind, texts, a: times(first), b: times(kind), p: rankSum(times(first), times(kind)).p };
  });
}

/** Prints the table. False if a comparison fails. */
function report(results) {
  const adjusted = holm(results.map(({ p }) => p));
  const number = (value) => value.toFixed(2).padStart(8);
  console.log(
    `${options.postgres ? 'PostgreSQL' : 'SQLite'}, bcrypt cost ${options.cost}, n = ${SAMPLES} of each kind, times in ms`,
  );
  console.log(`${'route'.padEnd(16)}${'compared'.padEnd(46)}  median       p95         difference       p   p (Holm)`);
  let passed = true;
  for (const [i, { route, first, kind, texts, a, b, p }] of results.entries()) {
    const [medianA, medianB] = [quantile(a, 0.5), quantile(b, 0.5)];
    const faults = [
      ...(texts.length > 1 ? ['responses differ'] : []),
      ...(Math.abs(medianB - medianA) > MAX_DIFFERENCE_MS ? ['medians differ'] : []),
      ...(adjusted[i] < LEVEL ? ['times differ'] : []),
    ];
    const medians = `${number(medianA)}${number(medianB)}`;
    const tails = `${number(quantile(a, 0.95))}${number(quantile(b, 0.95))}`;
    const tests = `${p.toFixed(4).padStart(9)}${adjusted[i].toFixed(4).padStart(9)}`;
    const compared = `${first} / ${kind}`.padEnd(46);
    console.log(
      `${route.padEnd(16)}${compared}${medians} ${tails} ${number(medianB - medianA)} ${tests}  ${faults.join(', ') || 'same'}`,
    );
    if (texts.length > 1) console.log(texts.join('\n--- differs from\n'));
    passed &&= faults.length === 0;
  }
  console.log(
    `A comparison fails if responses differ, medians differ by more than ${MAX_DIFFERENCE_MS} ms, or the two-sided rank-sum test rejects at ` +
      `${LEVEL * 100} %, after Holm's correction for the ${results.length} comparisons of this run.`,
  );
  return passed;
}
