import type { Activity, SessionChange } from '@latchkey/client';
import { byId, element, reasonOf } from './page.js';

const MOST_LINES = 200;

/** Newest first, so that a phone shows what just happened. */
export function note(text: string): void {
  const line = element('li');
  const time = element('time', new Date().toLocaleTimeString('en-GB'));
  line.append(time, element('span', text));
  const list = byId('events');
  list.prepend(line);
  if (list.childElementCount > MOST_LINES) list.lastElementChild!.remove();
}

export function noteActivity(activity: Activity): void {
  note(wordsFor(activity));
}

export function noteChange({ type, code, reason }: SessionChange): void {
  note(`onChange: ${[type, code, reason].filter(Boolean).join(', ')}`);
}

function wordsFor(activity: Activity): string {
  switch (activity.type) {
    case 'token': {
      const life = `generation ${activity.generation}, good for ${activity.expiresIn} s`;
      return activity.from === 'server'
        ? `New access token: ${life}`
        : `Another tab handed over its new token: ${life}`;
    }
    case 'waited':
      return 'Waited for another tab, which refreshed: no request of our own';
    case 'resent':
      return `The server found the token too old: sent ${new URL(activity.url).pathname} again with a new one`;
    case 'retry':
      return `The refresh failed (${reasonOf(activity.error)}): still signed in, no other try before ${(activity.inMs / 1000).toFixed(1)} s`;
  }
}
