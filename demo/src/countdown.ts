import type { Activity } from '@latchkey/client';
import { byId } from './page.js';
import { letTimePass } from './trouble.js';

let bornAt = 0;
let lifeMs = 0;

/** Shows how long the access token of this tab has to live, by the clock that the client goes by. */
export function showCountdown(): void {
  byId('expire').addEventListener('click', () => {
    letTimePass(Math.max(0, leftMs()));
    show();
  });
  setInterval(show, 500);
  show();
}

export function restart(activity: Activity): void {
  if (activity.type !== 'token') return;
  bornAt = performance.now();
  lifeMs = activity.expiresIn * 1000;
  byId('generation').textContent = `· generation ${activity.generation}`;
  show();
}

export function forgetToken(): void {
  lifeMs = 0;
  byId('generation').textContent = '';
  show();
}

function leftMs(): number {
  return bornAt + lifeMs - performance.now();
}

function show(): void {
  const left = Math.max(0, leftMs());
  byId('countdown').textContent = left > 0 ? clock(left) : 'none: the next call gets one';
  byId<HTMLMeterElement>('life').value = lifeMs > 0 ? left / lifeMs : 0;
}

function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
