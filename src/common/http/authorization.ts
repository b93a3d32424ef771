import type { IncomingMessage } from 'node:http';

/** Whether a request has more than one Authorization header: Node keeps the first, a proxy may have looked at another. */
export function isAmbiguous({ rawHeaders }: IncomingMessage): boolean {
  let headers = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === 'authorization') headers++;
  }
  return headers > 1;
}
