import type { IncomingMessage } from 'node:http';

const NAME = 'authorization';

/** Whether a request has more than one Authorization header: Node keeps the first, a proxy may have looked at another. */
export function isAmbiguous({ rawHeaders }: IncomingMessage): boolean {
  let headers = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === NAME.length && name.toLowerCase() === NAME) headers++;
  }
  return headers > 1;
}
