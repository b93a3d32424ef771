import { figure } from './table.mjs';

/** @typedef {import('./section.mjs').Section} Section */

const WIDTH = 760;
const NAMES = 250;
const BAR = { height: 16, step: 22, longest: WIDTH - NAMES - 110 };
const TITLE_HEIGHT = 46;
const MARGIN = 16;

/** Bars and text take their colours from the scheme of the reader. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .quiet { fill: #59636e; }
  .bar { fill: #afb8c1; }
  .own { fill: #0969da; }
  .spread { stroke: #1f2328; stroke-width: 1; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .bar { fill: #4c545e; }
    .own { fill: #4493f8; }
    .spread { stroke: #f0f6fc; }
    .page { fill: #0d1117; }
  }`;

/**
 * A bar chart: a group for each section, with its own scale; the thin line is the spread of the rounds.
 *
 * @param {Section[]} sections
 * @param {string} caption of the machine and the date
 */
export function pictureOf(sections, caption) {
  let top = MARGIN;
  const groups = sections.map((section) => {
    const group = groupOf(section, top);
    top += TITLE_HEIGHT + section.lines.length * BAR.step;
    return group;
  });
  const height = top + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>Latchkey and its peers, measured in one run</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="100%" height="100%"/>`,
    ...groups,
    text(MARGIN, height - MARGIN, caption, 'quiet'),
    `</svg>\n`,
  ].join('\n');
}

function groupOf({ title, unit, lines }, top) {
  const longest = Math.max(...lines.map(({ max }) => max));
  const scale = (value) => Math.max(1, Math.round((value / longest) * BAR.longest));
  return [
    text(MARGIN, top + 24, `${title}: ${unit}`, 'title'),
    ...lines.map((line, i) => barOf(line, top + TITLE_HEIGHT - 8 + i * BAR.step, scale)),
  ].join('\n');
}

function barOf({ name, median, min, max }, top, scale) {
  const middle = top + BAR.height / 2;
  const kind = name.startsWith('Latchkey') ? 'bar own' : 'bar';
  return [
    text(MARGIN, top + 13, name),
    `<rect class="${kind}" x="${NAMES}" y="${top}" width="${scale(median)}" height="${BAR.height}" rx="2"/>`,
    `<line class="spread" x1="${NAMES + scale(min)}" x2="${NAMES + scale(max)}" y1="${middle}" y2="${middle}"/>`,
    text(NAMES + scale(max) + 8, top + 13, figure(median), 'quiet'),
  ].join('');
}

function text(x, y, content, kind) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}"${kind ? ` class="${kind}"` : ''}>${escaped}</text>`;
}
