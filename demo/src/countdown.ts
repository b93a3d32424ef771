import type { Activity } from '@latchkey/client';
import { byId } from './page.js';
import { advanceClock } from './failures.js';

let issuedAt = 0;
let lifetimeMs = 0;

/** Shows the remaining lifetime of this tab's access token, by the monotonic clock that the client uses. */
export function showCountdown(): void {
  byId('expire').addEventListener('click', () => {
    advanceClock(Math.max(0, leftMs()));
    show();
  });
  setInterval(show, 500);
  show();
}

export function restart(activity: Activity): void {
  if (activity.type !== 'token') return;
  issuedAt = performance.now();
  lifetimeMs = activity.expiresIn * 1000;
  byId('generation').textContent = `· generation ${activity.generation}`;
  show();
}

export function clearToken(): void {
  lifetimeMs = 0;
  byId('generation').textContent = '';
  show();
}

function leftMs(): number {
  return issuedAt + lifetimeMs - performance.now();
}

function show(): void {
  const left = Math.max(0, leftMs());
  byId('countdown').textContent = left > 0 ? clock(left) : 'No valid token: the next call refreshes it';
  byId<HTMLMeterElement>('life').value = lifetimeMs > 0 ? left / lifetimeMs : 0;
}

function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
