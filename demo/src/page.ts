import { LatchkeyError } from '@latchkey/client';

/** The element of `index.html` with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element as T;
}

/** A new element with this text: never HTML, whatever the server sent. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

let view = 0;

/** From now on the page shows somebody else, or nobody: what was asked for before is not shown any more. */
export function beginView(): void {
  view += 1;
}

/** Returns a check that tells whether the page still shows the same user. */
export function thisView(): () => boolean {
  const mine = view;
  return () => mine === view;
}

/** For people who cannot see that the page is another, or use a keyboard. */
export function goTo(id: string): void {
  byId(id).focus();
}

/** Why something did not work, for those who read codes. */
export function reasonOf(error: unknown): string {
  return error instanceof LatchkeyError ? error.code : (error as Error).message;
}

/** What somebody has to read before going on; an empty text takes it away. */
export function notice(text: string): void {
  const place = byId('notice');
  place.textContent = text;
  place.hidden = text === '';
}
