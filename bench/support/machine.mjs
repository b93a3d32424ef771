import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a figure depends on. */
export function machine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
  };
}

const PEERS = [
  'fastify',
  '@fastify/jwt',
  '@nestjs/core',
  'typeorm',
  'better-auth',
  'better-sqlite3',
  'oidc-provider',
  'bcrypt',
];

/** The peers as they are installed. */
export function peerVersions() {
  const versionOf = (name) => {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return JSON.parse(readFileSync(file, 'utf8')).version;
  };
  return Object.fromEntries(PEERS.map((name) => [name, versionOf(name)]));
}
