import type { Delivery } from '@latchkey/client';
import { byId } from './page.js';

const CHOICE = 'latchkey demo: delivery';

/** Which delivery this page uses, and shows the choice. Another choice is another client: the page loads anew. */
export async function chooseDelivery(): Promise<Delivery> {
  const issuer = await issuerOfServer();
  const cookiesWork = !issuer || issuer.origin === location.origin;
  const delivery = cookiesWork && localStorage.getItem(CHOICE) !== 'body' ? 'cookie' : 'body';
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name=delivery]')) {
    radio.checked = radio.value === delivery;
    radio.disabled = radio.value === 'cookie' && !cookiesWork;
    radio.addEventListener('change', () => {
      localStorage.setItem(CHOICE, radio.value);
      location.reload();
    });
  }
  // All tabs have one session: the other delivery's is not theirs.
  addEventListener('storage', ({ key }) => {
    if (key === CHOICE) location.reload();
  });
  if (!cookiesWork) {
    byId('delivery-hint').textContent = `Cookies work where ISSUER says that the server is: ${issuer.origin}`;
  }
  return delivery;
}

async function issuerOfServer(): Promise<URL | undefined> {
  try {
    const response = await fetch('/.well-known/oauth-authorization-server');
    const { issuer } = (await response.json()) as { issuer: string };
    return new URL(issuer);
  } catch {
    return undefined;
  }
}
