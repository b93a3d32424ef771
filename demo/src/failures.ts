import { note } from './event-line.js';
import { byId } from './page.js';

/**
 * Simulates a lost response, a missing network, and a clock that moves. It replaces functions of the browser, below the
 * client: the client reacts as it does to real failures.
 */
const realFetch = globalThis.fetch.bind(globalThis);
const realNow = performance.now.bind(performance);
let clockOffsetMs = 0;
let isOffline = false;
let dropsNext = false;

export function simulateFailures(): void {
  globalThis.fetch = unreliableFetch;
  performance.now = () => realNow() + clockOffsetMs;
  byId('offline').addEventListener('click', () => setOffline(!isOffline));
  byId('drop-response').addEventListener('click', () => setDropsNext(!dropsNext));
}

/** Moves the clock of this page forward, as far as the client can see it. */
export function advanceClock(ms: number): void {
  clockOffsetMs += ms;
}

async function unreliableFetch(...call: Parameters<typeof fetch>): Promise<Response> {
  const request = describe(...call);
  if (isOffline) {
    note(`${request}: offline`);
    throw new TypeError('offline');
  }
  const response = await realFetch(...call).catch((error: unknown) => {
    note(`${request}: ${(error as Error).message}`);
    throw error;
  });
  if (dropsNext) {
    setDropsNext(false);
    note(`${request}: the server responded, and the response was dropped`);
    throw new TypeError('response dropped');
  }
  note(`${request}: ${response.status}`);
  return response;
}

function setOffline(offline: boolean): void {
  isOffline = offline;
  byId('offline').textContent = offline ? 'Go online' : 'Go offline';
  showState();
  note(offline ? 'Offline: no request leaves this page' : 'Online again');
  // The browser sends this event too.
  dispatchEvent(new Event(offline ? 'offline' : 'online'));
}

function setDropsNext(drops: boolean): void {
  dropsNext = drops;
  byId('drop-response').ariaPressed = String(drops);
  showState();
}

function showState(): void {
  const network = isOffline ? 'Offline: no request leaves this page.' : 'Online.';
  byId('network').textContent = dropsNext ? `${network} The next response will be dropped.` : network;
}

function describe(input: RequestInfo | URL, init?: RequestInit): string {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  return `${init?.method ?? 'GET'} ${pathname}`;
}
