import fp from 'fastify-plugin';

/**
 * Warns once where a proxy forwards addresses that are not trusted. All clients then have the address of the proxy, and
 * share its limits.
 */
export const forwardedWarning = fp<{ trustsProxy: boolean }>(
  (fastify, { trustsProxy }, done) => {
    let isLogged = trustsProxy;
    fastify.addHook('onRequest', (request, _reply, next) => {
      if (!isLogged && request.headers['x-forwarded-for'] !== undefined) {
        isLogged = true;
        request.log.warn(
          'A request has X-Forwarded-For, and TRUST_PROXY is not set: the header is ignored. If your proxy sets it, all ' +
            'clients share one address and its limits: set TRUST_PROXY (docs/behind-a-proxy.md)',
        );
      }
      next();
    });
    done();
  },
  { name: 'forwarded-warning' },
);
