import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksIn, sectionOf } from '../support/pages/page-code.js';

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'client/README.md', ...filesIn('docs', '.md')];
const ARCHITECTURE = readFileSync('docs/architecture.md', 'utf8');
const SOURCES = filesIn('src', '.ts').filter((file) => !file.endsWith('.spec.ts'));
const FOLDERS = readdirSync('src', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

type Edge = readonly [from: string, to: string];

describe('docs/architecture.md', () => {
  const [diagram = ''] = blocksIn(ARCHITECTURE, 'mermaid');
  const arrows = edgesIn(diagram, '-->');
  const typeArrows = edgesIn(diagram, '-.->');
  const imports = SOURCES.flatMap((file) => importsBetweenFolders(file, { types: true }));

  it('names source files and folders that exist', () => {
    const named = [...ARCHITECTURE.matchAll(/`(src\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
    expect(named.length).toBeGreaterThan(40);
  });

  it('names helper files that exist', () => {
    const names = new Set(SOURCES.map((file) => file.split('/').at(-1)));
    const helpers = [...ARCHITECTURE.matchAll(/`([\w.-]+\.ts)`/g)].map(([, name = '']) => name);
    expect(helpers.filter((name) => !names.has(name))).toEqual([]);
    expect(helpers.length).toBeGreaterThan(10);
  });

  it.each(['A refresh', 'A login', 'A logout'])('%s is at most 14 files, each of them once', (heading) => {
    const walk = [...sectionOf(ARCHITECTURE, heading).matchAll(/^\d+\. `(src\/[\w./-]+\.ts)`: \S/gm)];
    const files = walk.map(([, file]) => file);
    expect(files.length).toBeGreaterThan(5);
    expect(files.length).toBeLessThanOrEqual(14);
    expect(new Set(files).size).toBe(files.length);
  });

  it('lists every folder of src, in the diagram and in the table', () => {
    expect([...new Set(arrows.flat())].sort()).toEqual(FOLDERS.sort());
    const rows = [...ARCHITECTURE.matchAll(/^\| `src\/([\w-]+)` /gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(FOLDERS.sort());
  });

  it('has an arrow, or a path of arrows, for every import', () => {
    const allowed = [...arrows, ...typeArrows];
    expect(imports.filter(([from, to]) => !reachableFrom(from, allowed).has(to))).toEqual([]);
    const atRunTime = SOURCES.flatMap((file) => importsBetweenFolders(file, { types: false }));
    expect(atRunTime.filter(([from, to]) => !reachableFrom(from, arrows).has(to))).toEqual([]);
  });

  it('has no arrow without an import, and no circle', () => {
    const isReal = ([from, to]: Edge) => imports.some(([a, b]) => a === from && b === to);
    expect([...arrows, ...typeArrows].filter((arrow) => !isReal(arrow))).toEqual([]);
    expect(FOLDERS.filter((folder) => reachableFrom(folder, arrows).has(folder))).toEqual([]);
  });
});

describe('docs/security.md', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  const rows = page.split('\n').filter((line) => /^\| (?!requirement|-)/.test(line));
  const shownBy = rows.map((row) =>
    [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map(([, name = '']) => name),
  );

  it('names a test for every requirement', () => {
    expect(rows.filter((_, i) => shownBy[i]!.length === 0)).toEqual([]);
    expect(rows.length).toBeGreaterThan(40);
  });

  it('names tests that exist', () => {
    const beside = [...filesIn('src', '.spec.ts'), ...filesIn('client/src', '.spec.ts')];
    const inLanes = filesIn('test', '.spec.ts').map((file) => file.replace('.spec', ''));
    const names = new Set([...beside, ...inLanes].map((file) => file.split('/').at(-1)!.replace('.ts', '')));
    expect(shownBy.flat().filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('the documentation', () => {
  it.each(PAGES)('%s links to files and headings that exist', (page) => {
    const text = readFileSync(page, 'utf8').replaceAll(/^```.*?^```/gms, '');
    const links = [...text.matchAll(/(?:\]\(|src=")(?!https?:)([^)"\s]+)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  it.each(PAGES)('%s names source files and tests that exist', (page) => {
    const named = [...readFileSync(page, 'utf8').matchAll(/`([\w-]+\/[\w./-]+\.ts)`/g)].map(([, path = '']) => path);
    const inRepository = (path: string) => existsSync(path) || existsSync(join('src', path)) || path.includes('/notes');
    expect(named.filter((path) => !inRepository(path))).toEqual([]);
  });
});

function filesIn(folder: string, suffix: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(suffix))
    .map((file) => join(folder, file));
}

function edgesIn(diagram: string, arrow: string): Edge[] {
  return diagram.split('\n').flatMap((line) => {
    const [from = '', to] = line.trim().split(` ${arrow} `);
    return to === undefined ? [] : [[from, to] as const];
  });
}

/** Files beside the folders are entry points: they may import every folder, and the diagram leaves them out. */
function importsBetweenFolders(file: string, { types }: { types: boolean }): Edge[] {
  const code = readFileSync(file, 'utf8');
  const from = folderOf(file);
  return [...code.matchAll(/^import (type )?[^;]*?from '(\.[^']+)'/gm)].flatMap(([, isType, path = '']) => {
    const to = folderOf(normalize(join(dirname(file), path)));
    const counts = from && to && from !== to && (types || !isType);
    return counts ? [[from, to] as const] : [];
  });
}

function folderOf(file: string): string | undefined {
  const [folder = ''] = relative('src', file).split('/');
  return FOLDERS.includes(folder) ? folder : undefined;
}

function reachableFrom(start: string, edges: Edge[]): Set<string> {
  const reached = new Set<string>();
  const waiting = [start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const [from, to] of edges) {
      if (from !== next || reached.has(to)) continue;
      reached.add(to);
      waiting.push(to);
    }
  }
  return reached;
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return heading === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(heading);
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
