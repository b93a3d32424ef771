import { readFileSync } from 'node:fs';
import { filesIn } from './page-code.js';
import { adapt, type Ground, type ProxyName } from '../programs/proxies.js';

export const PAGE = readFileSync('docs/behind-a-proxy.md', 'utf8');
export const FILES = new Map(filesIn(PAGE));

/** Addresses on this machine. */
export interface Place {
  ground: Ground;
  /** The port of the proxy. */
  port: number;
  /** Host and port. */
  latchkey: string;
}

/** The variables that the page sets for one of its setups. */
export function environmentOf(files: string): Record<string, string> {
  const lines = FILES.get(`${files}.env`)!.trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split('=')));
}

/** The page's configuration, with the addresses and certificates of this machine. */
export function configurationOf(name: ProxyName, files: string, { ground, port, latchkey }: Place): string {
  const host = `${files}.example.com`;
  const ours = { '127.0.0.1:3000': latchkey, ...(files === 'app' && { '/var/www/app': ground.files }) };
  if (name === 'nginx') {
    return adapt(FILES.get(`${files}.conf`)!, {
      ...ours,
      'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
      '/etc/ssl/example.com.pem': ground.certificate,
      '/etc/ssl/example.com.key': ground.key,
    });
  }
  const withCertificate = `https://${host}:${port} {\n\tbind 127.0.0.1\n\ttls ${ground.certificate} ${ground.key}`;
  return adapt(FILES.get(`${files}.Caddyfile`)!, { ...ours, [`${host} {`]: withCertificate });
}

/**
 * A server for the static files of the app, for setups in which the documentation leaves their host open. It runs on this
 * machine, because a browser lets no page from elsewhere send requests to it.
 */
export function serverOfFiles({ certificate, key, files }: Ground, port: number): string {
  return `server {
    listen 127.0.0.1:${port} ssl;
    server_name app.example.com;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    root ${files};
  }`;
}
