import { element } from './page.js';

const INTERVAL_MS = 250;
const waiting = new WeakMap<HTMLFormElement, () => void>();

/** Adds the place where a form announces that it has to wait. It exists before its text, so that screen readers follow it. */
export function addRetryStatus(form: HTMLFormElement): void {
  const place = element('p');
  place.className = 'hint';
  const status = element('span');
  status.className = 'retry-status';
  status.role = 'status';
  const countdown = element('span');
  countdown.className = 'retry-countdown';
  countdown.ariaHidden = 'true';
  place.append(status, ' ', countdown);
  form.append(place);
}

/** Whether the server asked this form to wait. */
export function isWaiting(form: HTMLFormElement): boolean {
  return waiting.has(form);
}

/**
 * Counts down until the form can be sent again. Screen readers hear the time once and the end, not every second. The button
 * is not `disabled`, because it would lose the focus.
 *
 * @param seconds of `Retry-After`
 */
export function waitToRetry(form: HTMLFormElement, reason: string, seconds: number): void {
  waiting.get(form)?.();
  const [button, status, countdown] = ['button[type=submit]', '.retry-status', '.retry-countdown'].map((selector) =>
    form.querySelector<HTMLElement>(selector)!,
  ) as [HTMLElement, HTMLElement, HTMLElement];
  const end = performance.now() + seconds * 1000;
  const stop = () => {
    clearInterval(timer);
    waiting.delete(form);
    button.ariaDisabled = 'false';
    countdown.textContent = '';
  };
  const show = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      countdown.textContent = `Still ${left} s.`;
      return;
    }
    stop();
    status.textContent = 'You can try again now.';
  };
  const timer = setInterval(show, INTERVAL_MS);
  waiting.set(form, stop);
  button.ariaDisabled = 'true';
  status.textContent = `${reason} You can try again in ${seconds === 1 ? 'a second' : `${seconds} seconds`}.`;
  show();
}
