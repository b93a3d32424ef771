import { note } from './event-line.js';
import { byId } from './page.js';

/**
 * Trouble as a page meets it: responses that never come, no network, a device that slept. It stands between the client and
 * the browser, so what the client does about it is what it does in earnest.
 */
const realFetch = globalThis.fetch.bind(globalThis);
const realNow = performance.now.bind(performance);
let asleepMs = 0;
let isOffline = false;
let losesNext = false;

export function makeTroublePossible(): void {
  globalThis.fetch = troubledFetch;
  performance.now = () => realNow() + asleepMs;
  byId('offline').addEventListener('click', () => goOffline(!isOffline));
  byId('lose-response').addEventListener('click', () => loseNext(!losesNext));
}

/** As if so much time had gone by on this device, and on no other. */
export function letTimePass(ms: number): void {
  asleepMs += ms;
}

async function troubledFetch(...call: Parameters<typeof fetch>): Promise<Response> {
  const request = describe(...call);
  if (isOffline) {
    note(`${request}: offline`);
    throw new TypeError('offline');
  }
  const response = await realFetch(...call).catch((error: unknown) => {
    note(`${request}: ${(error as Error).message}`);
    throw error;
  });
  if (losesNext) {
    loseNext(false);
    note(`${request}: the server responded, and the response was dropped`);
    throw new TypeError('response dropped');
  }
  note(`${request}: ${response.status}`);
  return response;
}

function goOffline(offline: boolean): void {
  isOffline = offline;
  press('offline', offline);
  note(offline ? 'Offline: no request leaves this page' : 'Online again');
  // As the browser tells a page.
  dispatchEvent(new Event(offline ? 'offline' : 'online'));
}

function loseNext(lose: boolean): void {
  losesNext = lose;
  press('lose-response', lose);
}

function press(button: string, pressed: boolean): void {
  byId(button).ariaPressed = String(pressed);
}

function describe(input: RequestInfo | URL, init?: RequestInit): string {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  return `${init?.method ?? 'GET'} ${pathname}`;
}
