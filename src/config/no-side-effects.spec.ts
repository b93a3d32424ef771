import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Config } from './config.js';
import { envName } from './env.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it('importing a module never reads the configuration and never exits', async () => {
  const isEntryPoint = (file: string) => file === 'main.ts' || file.startsWith('cli/');
  const modules = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !isEntryPoint(file),
  );
  expect(modules.length).toBeGreaterThan(100);
  // Libraries read NODE_ENV.
  const ours = Object.keys(new Config())
    .map(envName)
    .filter((name) => name !== 'NODE_ENV');
  for (const name of ours) vi.stubEnv(name, 'unusable');
  const read = new Set<string>();
  const watched = new Proxy(process.env, { get: (env, name: string) => (read.add(name), env[name]) });
  vi.spyOn(process, 'env', 'get').mockReturnValue(watched);
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  for (const file of modules) await import(resolve('src', file));
  expect(ours.filter((name) => read.has(name))).toEqual([]);
  expect(exit).not.toHaveBeenCalled();
});
