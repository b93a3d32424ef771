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

/** What somebody has to read before going on; an empty text takes it away. */
export function notice(text: string): void {
  const place = byId('notice');
  place.textContent = text;
  place.hidden = text === '';
}
