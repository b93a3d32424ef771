const WIDTH = 1200;
const ROW = 16;
const LEAST_PIXELS = 0.6;
const CHARACTER_PIXELS = 6.2;

/**
 * A flame graph as SVG: the width of a function is its time with everything it calls, the outermost at the top. A tooltip has
 * name, file and share. Without scripts.
 *
 * @param {import('../support/cpu-profile.mjs').Stack[]} stacks
 */
export function flameGraph(stacks, title) {
  const root = treeOf(stacks);
  const boxes = [];
  draw(root, 0, 0, { total: root.time, boxes });
  const height = ROW * (2 + Math.max(...boxes.map(({ depth }) => depth)) + 1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">`,
    `<rect width="100%" height="100%" fill="#fff"/><text x="4" y="12" font-size="12">${escaped(title)}</text>`,
    ...boxes.map(boxText),
    '</svg>\n',
  ].join('\n');
}

function treeOf(stacks) {
  const root = { name: 'all', file: '', time: 0, children: new Map() };
  for (const { frames, time } of stacks) {
    root.time += time;
    let node = root;
    for (const { functionName, url, lineNumber } of frames) {
      const file = url.replace(/^.*\/(node_modules|dist)\//, '$1/');
      const key = `${functionName} ${file}:${lineNumber + 1}`;
      const child = node.children.get(key) ?? {
        name: functionName || '(anonymous)',
        file,
        time: 0,
        children: new Map(),
      };
      node.children.set(key, child);
      child.time += time;
      node = child;
    }
  }
  return root;
}

function draw(node, left, depth, { total, boxes }) {
  const width = (node.time / total) * WIDTH;
  if (width < LEAST_PIXELS) return;
  boxes.push({ node, left, width, depth, share: node.time / total });
  let at = left;
  for (const child of [...node.children.values()].sort((a, b) => b.time - a.time)) {
    draw(child, at, depth + 1, { total, boxes });
    at += (child.time / total) * WIDTH;
  }
}

function boxText({ node: { name, file }, left, width, depth, share }) {
  const y = ROW * (1 + depth) + 4;
  const label = width > 3 * CHARACTER_PIXELS ? name.slice(0, Math.floor(width / CHARACTER_PIXELS)) : '';
  const title = `${name} ${file} ${(100 * share).toFixed(1)} %`;
  const box = `<rect x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colorOf(file)}"/>`;
  const text = label && `<text x="${(left + 2).toFixed(1)}" y="${y + 11}">${escaped(label)}</text>`;
  return `<g><title>${escaped(title)}</title>${box}${text}</g>`;
}

/** Ours, the packages, and Node itself. */
function colorOf(file) {
  if (file.startsWith('dist/')) return '#f4a259';
  return file.startsWith('node_modules/') ? '#8cb9d9' : '#cfd8dc';
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
