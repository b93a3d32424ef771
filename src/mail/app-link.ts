export type LinkAction = 'verify-email' | 'reset-password' | 'confirm-email' | 'undo-email-change';

/**
 * The link to a page of the app that redeems a token: `APP_URL#<action>=<token>`. The token is in the fragment, which
 * browsers send to no server and in no `Referer` (OWASP ASVS 5.0 14.2.1). Links come from the configuration alone, never
 * from a header of a request.
 */
export function appLink(appUrl: string, action: LinkAction, token: string): string {
  return `${appUrl}#${action}=${encodeURIComponent(token)}`;
}
