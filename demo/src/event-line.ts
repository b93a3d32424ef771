import type { Activity, SessionChange } from '@latchkey/client';
import { byId, element, reasonOf } from './page.js';

const MAX_LINES = 200;

/** The generation of the refresh token, where a token of this session came before. */
let generation: number | undefined;

/** Adds a line. The newest is first, so that it is visible on a phone. */
export function note(text: string): void {
  const line = element('li');
  const time = element('time', new Date().toLocaleTimeString('en-GB'));
  line.append(time, element('span', text));
  const list = byId('events');
  list.prepend(line);
  if (list.childElementCount > MAX_LINES) list.lastElementChild!.remove();
}

export function noteActivity(activity: Activity): void {
  note(textFor(activity));
  if (activity.type !== 'token') return;
  if (generation !== undefined && activity.generation > generation) {
    note(`Refresh token rotated (generation ${activity.generation})`);
  }
  generation = activity.generation;
}

export function noteChange({ type, code, reason }: SessionChange): void {
  generation = undefined;
  note(`onChange: ${[type, code, reason].filter(Boolean).join(', ')}`);
}

function textFor(activity: Activity): string {
  switch (activity.type) {
    case 'token': {
      const origin = activity.from === 'server' ? 'New access token' : 'New access token from another tab';
      return `${origin}: valid for ${activity.expiresIn} s, generation ${activity.generation}`;
    }
    case 'waited':
      return 'Another tab refreshed first: no request from this tab';
    case 'resent':
      return `The access token was too old: sent ${new URL(activity.url).pathname} again with a new one`;
    case 'retry':
      return `The refresh failed (${reasonOf(activity.error)}): still signed in, next attempt in ${(activity.inMs / 1000).toFixed(1)} s at the earliest`;
  }
}
