import { LatchkeyError } from '@latchkey/client';

/** The element of `index.html` with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element as T;
}

/** A new element with this text. The text is never parsed as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

let view = 0;

/** Starts the view of another user, or of none: responses for the view before are not shown. */
export function beginView(): void {
  view += 1;
}

/** Returns a function that tells whether the page still has the same view. */
export function thisView(): () => boolean {
  const mine = view;
  return () => mine === view;
}

/** Moves the focus, for users of a keyboard or a screen reader. */
export function goTo(id: string): void {
  byId(id).focus();
}

/** The code of an error, for developers. */
export function reasonOf(error: unknown): string {
  return error instanceof LatchkeyError ? error.code : (error as Error).message;
}

/** Shows a message above the page; an empty text removes it. */
export function notice(text: string): void {
  const place = byId('notice');
  place.textContent = text;
  place.hidden = text === '';
}
