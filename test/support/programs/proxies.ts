import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

export type ProxyName = 'nginx' | 'caddy';

const CANDIDATES: Record<ProxyName, string[]> = {
  nginx: ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'],
  caddy: ['/usr/bin/caddy', '/usr/local/bin/caddy'],
};

/** The path of an installed proxy. */
export const proxyPath = (name: ProxyName): string | undefined => CANDIDATES[name].find((path) => existsSync(path));

for (const name of ['nginx', 'caddy'] as const) {
  if (!proxyPath(name)) {
    process.stderr.write(
      `\n*** NO ${name.toUpperCase()}: its configurations are SKIPPED (apt-get install ${name}) ***\n\n`,
    );
  }
}

/** A folder with a certificate for these names and the static files of an app. */
export interface Ground {
  folder: string;
  certificate: string;
  key: string;
  /** The PEM text of the self-signed certificate. */
  ca: string;
  files: string;
  remove: () => void;
}

export function prepareGround(names: string[], index: string): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-proxy-'));
  const [certificate, key, files] = [join(folder, 'cert.pem'), join(folder, 'key.pem'), join(folder, 'www')];
  const alt = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const about = ['-subj', '/CN=a test', '-addext', alt, '-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', ...kind, ...about], { stdio: 'pipe' });
  mkdirSync(files);
  writeFileSync(join(files, 'index.html'), index);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, certificate, key, ca: readFileSync(certificate, 'utf8'), files, remove };
}

/** Replaces each of these texts. Throws when one is missing, because then the page has changed. */
export function adapt(text: string, replacements: Record<string, string>): string {
  return Object.entries(replacements).reduce((result, [what, by]) => {
    if (!result.includes(what)) throw new Error(`Missing text: "${what}"`);
    return result.replaceAll(what, by);
  }, text);
}

export interface RunningProxy {
  port: number;
  stop: () => Promise<void>;
}

/** @param configure the configuration for a port to listen on */
export async function startProxy(
  name: ProxyName,
  ground: Ground,
  configure: (port: number) => string,
): Promise<RunningProxy> {
  const port = await freePort();
  const home = mkdtempSync(join(ground.folder, `${name}-`));
  const file = join(home, 'config');
  writeFileSync(file, name === 'nginx' ? toNginxConfig(configure(port), home) : toCaddyfile(configure(port)));
  const args = name === 'nginx' ? ['-e', 'stderr', '-c', file] : ['run', '--config', file, '--adapter', 'caddyfile'];
  return startListener([proxyPath(name)!, ...args], home, port, () => listens(port));
}

/** Starts a program and polls `serves` with its output until it serves on this port. */
export async function startListener(
  [program, ...args]: [string, ...string[]],
  home: string,
  port: number,
  serves: (output: string) => boolean | Promise<boolean>,
): Promise<RunningProxy> {
  const env = { PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1' };
  const child = spawn(program, args, { cwd: home, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => void child.on('close', () => resolve()));
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  while (!(await serves(output))) {
    if (child.exitCode !== null) throw new Error(`${program} exited with ${child.exitCode}:\n${output}`);
    await sleep(20);
  }
  return { port, stop };
}

/** A complete `nginx.conf` around these servers, for a foreground process that writes only to `home`. */
function toNginxConfig(servers: string, home: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
    pid ${home}/pid;
    worker_processes 1;
    ${process.getuid?.() === 0 ? 'user root root;' : ''}
    events {}
    http {
      access_log off;
      default_type text/html;
      ${temporary.map((kind) => `${kind}_temp_path ${home}/${kind};`).join('\n')}
      ${servers}
    }`;
}

/** A Caddyfile without the admin port and without the redirect from http. */
function toCaddyfile(sites: string): string {
  return `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${sites}`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
