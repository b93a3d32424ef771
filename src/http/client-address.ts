import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

/** Some proxies forward the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[(?<ipv6>[^\]]+)\]|(?<ipv4>[\d.]+))(?::\d{1,5})?$/;
const ZONE = /%.*$/;

/**
 * The client's IP address, as far as TRUST_PROXY says who forwards it; IPv4 without the IPv6 prefix of dual-stack sockets.
 * Forwarded text that is no address is ignored: the result is then the address of the peer, a proxy.
 */
export function clientAddress({ ip, socket }: FastifyRequest): string {
  // Most of them, and every request is logged with its address.
  if (isIP(ip) === 4) return ip;
  return parseAddress(ip) ?? parseAddress(socket.remoteAddress) ?? '';
}

/** What one client owns, in CIDR notation: the IPv4 address, or the IPv6 /64, in which it can change its address at will. */
export function addressBlockOf(address: string): string {
  return isIP(address) === 6 ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()}/64` : `${address}/32`;
}

/** The network of such an address, in CIDR notation: the IPv4 /24 or IPv6 /48, the least that one site has. */
export function networkOf(address: string): string {
  return isIP(address) === 6
    ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/48`).toString()}/48`
    : `${address.replace(/\d+$/, '0')}/24`;
}

// A client that has disconnected may have no address.
function parseAddress(text: string | undefined): string | null {
  const { ipv6, ipv4 } = WITH_PORT.exec(text ?? '')?.groups ?? {};
  const address = (ipv6 ?? ipv4 ?? text ?? '').replace(ZONE, '');
  return isIP(address) ? ipaddr.process(address).toString() : null;
}
