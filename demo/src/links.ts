export type LinkAction = 'verify-email' | 'reset-password' | 'confirm-email' | 'undo-email-change';

/** What a link of a mail asks for: `#verify-email=<token>`, or `#forgot-password`, which has no token. */
export type Link = { action: LinkAction; token: string } | { action: 'forgot-password' };

const WITH_TOKEN = /^#(verify-email|reset-password|confirm-email|undo-email-change)=(.+)$/;

/**
 * Calls the listener with the link that opened this page, and with those that follow in this tab. It redeems nothing: mail
 * scanners open links too. The token is removed from the address bar and the history.
 */
export function onLink(listener: (link: Link) => void): void {
  const read = () => {
    const link = linkIn(location.hash);
    if (!link) return;
    history.replaceState(null, '', location.pathname + location.search);
    listener(link);
  };
  addEventListener('hashchange', read);
  read();
}

function linkIn(hash: string): Link | null {
  if (hash === '#forgot-password') return { action: 'forgot-password' };
  const [, action, token] = WITH_TOKEN.exec(hash) ?? [];
  return action && token ? { action: action as LinkAction, token } : null;
}
