import type { Proof } from '@latchkey/client';
import type { Connection } from './connection.js';
import { clear, onSubmit } from './form.js';
import type { LinkAction } from './links.js';
import { byId, goTo, notice } from './page.js';
import { PROOF_TASKS } from './proof-tasks.js';

/** Survives a reload, like the code verifier of the client: the code can still be entered. */
const PENDING = 'latchkey demo: waits for a code';

interface OpenProof {
  action: LinkAction;
  /** Null while the user waits for a mail: then the page asks for its code. */
  token: string | null;
}

let open: OpenProof | undefined;

/** The card that redeems mails, by link or by code. `onDone` runs when the server has accepted a proof. */
export function showProofs(connection: Connection, onDone: () => void): void {
  onSubmit(form(), async ({ code = '', newPassword = '' }) => {
    const { action, token } = open!;
    const task = PROOF_TASKS[action];
    const proof: Proof = token === null ? { code } : { token };
    await task.run(connection.account, proof, newPassword);
    closeProof();
    notice(task.done);
    goTo('notice');
    onDone();
  });
  byId('proof-close').addEventListener('click', () => {
    closeProof();
    notice('');
    onDone();
  });
  const pending = sessionStorage.getItem(PENDING) as LinkAction | null;
  if (pending && pending in PROOF_TASKS) show({ action: pending, token: null });
}

/** Whether the card covers the sign-in form. */
export function isProofOpen(): boolean {
  return open !== undefined;
}

/** Asks for a click: the link alone redeems nothing. */
export function openLink(action: LinkAction, token: string): void {
  show({ action, token });
  goTo('proof-title');
}

/** Asks for the code of a mail that is on its way. */
export function waitForMail(action: LinkAction): void {
  sessionStorage.setItem(PENDING, action);
  show({ action, token: null });
  goTo('proof-title');
}

export function closeProof(): void {
  sessionStorage.removeItem(PENDING);
  open = undefined;
  byId('proof').hidden = true;
}

function show(proof: OpenProof): void {
  open = proof;
  const { title, linkText, mailText, button, asksForPassword } = PROOF_TASKS[proof.action];
  const isByCode = proof.token === null;
  clear(form());
  notice('');
  byId('proof').hidden = false;
  byId('signed-out').hidden = true;
  byId('forgot').hidden = true;
  byId('proof-title').textContent = title;
  byId('proof-text').textContent = isByCode ? mailText : linkText;
  byId('proof-submit').textContent = button;
  byId('code-field').hidden = !isByCode || !canUseCodes();
  byId('reset-field').hidden = !asksForPassword || (isByCode && !canUseCodes());
  byId('proof-submit').hidden = isByCode && !canUseCodes();
}

/** Browsers have WebCrypto only on https and localhost. Elsewhere the mails have no codes. */
function canUseCodes(): boolean {
  return isSecureContext;
}

function form(): HTMLFormElement {
  return byId<HTMLFormElement>('proof-form');
}
