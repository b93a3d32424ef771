import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OpenSockets, toRequest } from '../../test/support/http/open-sockets.js';
import { connectionLimits } from './connection-limits.js';

const MB = 1024 * 1024;
const LARGE = 'x'.repeat(8 * MB);

describe('unread responses', () => {
  let server: FastifyInstance;
  const streams: Readable[] = [];
  const sockets = new OpenSockets();
  beforeEach(async () => {
    streams.length = 0;
    server = Fastify();
    await server.register(connectionLimits);
    server.get('/large', async () => LARGE);
    server.get('/stream', async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const stream = Readable.from(Array.from({ length: 8 }, () => Buffer.alloc(MB)));
      streams.push(stream);
      return stream;
    });
    server.get('/small', async () => 'small');
    await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    sockets.destroy();
    await server.close();
  });

  const url = () => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const connections = () =>
    new Promise<number>((resolve) => server.server.getConnections((_, count) => resolve(count)));
  const silent = async (request: string) => (await sockets.open(url(), request)).pause();

  it('hold 64 MiB in all: the connections with the most are closed', async () => {
    await silent(toRequest('GET', '/small'));
    for (let i = 0; i < 5; i++) await silent(toRequest('GET', '/large'));
    await expect.poll(connections).toBe(6);
    // Two of 32 MB each are over the limit with the others; the system buffers some MB of each.
    for (let i = 0; i < 2; i++) await silent(toRequest('GET', '/large').repeat(4));
    await expect.poll(connections, { timeout: 10_000 }).toBeLessThan(8);
    expect(await connections()).toBeGreaterThanOrEqual(6);
    const open = await sockets.open(url(), toRequest('GET', '/small'));
    await new Promise((resolve) => open.once('data', resolve));
  });

  it('close their files when the client disconnects, also those of pipelined requests', async () => {
    const socket = await silent(toRequest('GET', '/stream').repeat(10));
    await expect.poll(() => streams.length).toBe(10);
    socket.destroy();
    await expect.poll(() => streams.filter(({ destroyed }) => !destroyed).length).toBe(0);
  });

  it('close their files also when the client disconnects before they are opened', async () => {
    const received = new Promise((resolve) => server.server.once('request', resolve));
    const socket = await silent(toRequest('GET', '/stream').repeat(10));
    await received;
    socket.destroy();
    await expect.poll(() => streams.length).toBe(10);
    await expect.poll(() => streams.filter(({ destroyed }) => !destroyed).length).toBe(0);
  });
});
