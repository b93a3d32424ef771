import express, { type ErrorRequestHandler } from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import type { AddressInfo } from 'node:net';

type Claims = Record<string, unknown>;

/** A third-party resource server: `verify` resolves to the claims of an access token, or rejects. */
export interface ResourceServer {
  name: string;
  verify: (accessToken: string) => Promise<Claims>;
}

/** Allows http: the test runs on one machine. */
export const INSECURE = { [oauth.allowInsecureRequests]: true } as const;

/**
 * One resource server for each of three third-party libraries, configured with only the issuer. They cache the keys, as
 * a service that runs for months does.
 */
export async function resourceServers(issuer: string): Promise<{ all: ResourceServer[]; close: () => void }> {
  const behindExpress = await expressServer(issuer);
  return { all: [withJose(issuer), withOauth4webapi(issuer), behindExpress], close: behindExpress.close };
}

export async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...INSECURE });
  return oauth.processDiscoveryResponse(url, response);
}

function withJose(issuer: string): ResourceServer {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  return {
    name: 'jose',
    verify: async (accessToken) => {
      // Fetches the key set again at once for an unknown key; by default it waits 30 s.
      keys ??= createRemoteJWKSet(new URL((await discover(issuer)).jwks_uri!), { cooldownDuration: 0 });
      const checks = { issuer, audience: issuer, algorithms: ['ES256'], typ: 'at+jwt' };
      const { payload } = await jwtVerify(accessToken, keys, checks);
      return payload;
    },
  };
}

function withOauth4webapi(issuer: string): ResourceServer {
  return {
    name: 'oauth4webapi',
    verify: async (accessToken) => {
      const request = new Request(issuer, { headers: { authorization: `Bearer ${accessToken}` } });
      // With a new key cache each time, because it fetches the set at most once a minute.
      const claims = await oauth.validateJwtAccessToken(await discover(issuer), request, issuer, INSECURE);
      return { ...claims };
    },
  };
}

async function expressServer(issuer: string): Promise<ResourceServer & { close: () => void }> {
  const app = express();
  app.use(
    auth({ issuerBaseURL: issuer, audience: issuer, tokenSigningAlg: 'ES256', strict: true, cooldownDuration: 0 }),
  );
  app.get('/', (request, response) => void response.json(request.auth!.payload));
  app.use(sendErrorMessage);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  return {
    name: 'express-oauth2-jwt-bearer',
    verify: async (accessToken) => {
      const headers = { authorization: `Bearer ${accessToken}` };
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
      const body = (await response.json()) as Claims;
      if (response.status !== 200) throw new Error(`${response.status}: ${String(body['message'])}`);
      return body;
    },
    close: () => void server.close(),
  };
}

const sendErrorMessage: ErrorRequestHandler = (error: Error & { status?: number }, _request, response, _next) => {
  response.status(error.status ?? 500).json({ message: error.message });
};
