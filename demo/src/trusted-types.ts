/** As far as it is used here; not in every browser. */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createScriptURL: (url: string) => string }): unknown;
}

/**
 * The page's Content-Security-Policy has `require-trusted-types-for 'script'`. The worker that solves challenges is a file of
 * the page, and so may run; no other address may.
 */
export function allowOwnWorkers(): void {
  const { trustedTypes } = globalThis as unknown as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      if (!url.startsWith(new URL('/demo/', location.href).href))
        throw new TypeError(`Not a script of this page: ${url}`);
      return url;
    },
  });
}
