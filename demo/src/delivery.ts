import type { Delivery } from '@latchkey/client';
import { byId } from './page.js';

const CHOICE = 'latchkey demo: delivery';
const radios = () => document.querySelectorAll<HTMLInputElement>('input[name=delivery]');

/** Shows which delivery this page uses, and returns it. Cookies need the origin of the server's `ISSUER`. */
export async function chooseDelivery(): Promise<Delivery> {
  const issuer = await issuerOfServer();
  const cookiesWork = !issuer || issuer.origin === location.origin;
  for (const radio of radios()) radio.disabled = radio.value === 'cookie' && !cookiesWork;
  if (!cookiesWork) {
    byId('delivery-hint').textContent = `Cookies work only at the server's ISSUER address: ${issuer.origin}`;
  }
  const delivery = cookiesWork && localStorage.getItem(CHOICE) !== 'body' ? 'cookie' : 'body';
  show(delivery);
  return delivery;
}

/** Calls the listener when the user chooses another delivery, in this tab or in another: all tabs use the same one. */
export function onDeliveryChange(listener: (delivery: Delivery) => void): void {
  for (const radio of radios()) {
    radio.addEventListener('change', () => {
      localStorage.setItem(CHOICE, radio.value);
      listener(radio.value as Delivery);
    });
  }
  addEventListener('storage', ({ key, newValue }) => {
    if (key !== CHOICE || (newValue !== 'body' && newValue !== 'cookie')) return;
    show(newValue);
    listener(newValue);
  });
}

function show(delivery: Delivery): void {
  for (const radio of radios()) radio.checked = radio.value === delivery;
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
