import { randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { MemoryAdapter } from './memory-adapter.mjs';

/**
 * oidc-provider with one public client, whose refresh tokens it rotates. `POST /sessions` is ours: it grants what an
 * authorization code flow would end with.
 */
const SCOPE = 'offline_access';
const CLIENT_ID = 'bench';
const provider = new Provider('http://127.0.0.1', {
  adapter: MemoryAdapter,
  clients: [
    {
      client_id: CLIENT_ID,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.example.com/callback'],
    },
  ],
  cookies: { keys: [randomBytes(32).toString('base64')] },
  ttl: { AccessToken: 900, RefreshToken: 7 * 86_400, Grant: 30 * 86_400 },
  rotateRefreshToken: true,
});

async function newRefreshToken() {
  const accountId = randomUUID();
  const client = await provider.Client.find(CLIENT_ID);
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save();
  const granted = { accountId, client, grantId, scope: SCOPE, gty: 'authorization_code' };
  return new provider.RefreshToken(granted).save();
}

provider.use(async (ctx, next) => {
  if (ctx.method !== 'POST' || ctx.path !== '/sessions') return next();
  ctx.body = { refresh_token: await newRefreshToken() };
});
const server = provider.listen(0, '127.0.0.1', () => console.log(`ready at http://127.0.0.1:${server.address().port}`));
