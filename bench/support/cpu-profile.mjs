/**
 * @typedef {{functionName: string, url: string, lineNumber: number}} CallFrame
 * @typedef {{frames: CallFrame[], time: number}} Stack frames from the outermost to the innermost; time in microseconds
 */

const IDLE = '(idle)';
/** What waits in the kernel for a socket is in these functions of Node, which have no file. */
const SOCKET = new Set(['writev', 'writeUtf8String', 'writeLatin1String', 'writeBuffer', 'readStart', 'shutdown']);
const NATIVE = { '(garbage collector)': 'garbage collection', '(program)': 'outside of JavaScript' };
/** The first that matches the file of a function. */
const PARTS = [
  [/^node:internal\/crypto/, 'signatures and HMACs'],
  [/^node:/, 'Node: HTTP, streams, timers'],
  [/node_modules\/(fastify|find-my-way|secure-json-parse|@fastify\/)/, 'Fastify'],
  [/node_modules\/(@nestjs\/passport|passport)/, 'Passport'],
  [/node_modules\/(@nestjs|rxjs|reflect-metadata)/, 'Nest'],
  [/node_modules\/(class-validator|class-transformer)/, 'class-validator'],
  [/node_modules\/([^/]+(?<=@[^/]+)\/[^/]+|[^/]+)/, (name) => `package ${name}`],
  [/dist\/src\/([^/]+)\//, (folder) => `src/${folder}`],
];

/** The stacks of a profile of V8 between two times, without those in which the thread was idle. @returns {Stack[]} */
export function stacksOf({ nodes, samples, timeDeltas, startTime }, { from, to }) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  let at = startTime;
  samples.forEach((id, i) => {
    at += timeDeltas[i];
    if (at >= from && at <= to && frames.get(id).functionName !== IDLE)
      times.set(id, (times.get(id) ?? 0) + timeDeltas[i]);
  });
  return [...times].map(([id, time]) => ({ frames: pathTo(id, parents, frames), time }));
}

function pathTo(id, parents, frames) {
  const path = [];
  for (let at = id; at !== undefined; at = parents.get(at)) path.unshift(frames.get(at));
  return path.slice(1);
}

/** Time by part of the program, the largest first. A function of V8 belongs to the part that calls it. */
export function partsOf(stacks) {
  const parts = new Map();
  for (const { frames, time } of stacks) {
    const part = frames.toReversed().map(partOf).find(Boolean) ?? 'other';
    parts.set(part, (parts.get(part) ?? 0) + time);
  }
  return new Map([...parts].sort(([, a], [, b]) => b - a));
}

function partOf({ functionName, url }) {
  if (NATIVE[functionName]) return NATIVE[functionName];
  if (url === '') return SOCKET.has(functionName) ? 'writing to the socket' : undefined;
  for (const [pattern, name] of PARTS) {
    const match = pattern.exec(url);
    if (match) return typeof name === 'string' ? name : name(match[1]);
  }
  return undefined;
}
