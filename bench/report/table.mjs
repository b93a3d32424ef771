/** @typedef {import('./section.mjs').Section} Section */

/** Sections as text, for a terminal. @param {Section[]} sections */
export function tableOf(sections) {
  const width = Math.max(
    ...sections.flatMap(({ lines, ratios }) => [...lines, ...ratios].map(({ name }) => name.length)),
  );
  return sections.map((section) => sectionText(section, width)).join('\n\n');
}

function sectionText({ title, unit, lines, ratios }, width) {
  const row = (name, text) => `  ${name.padEnd(width)}  ${text}`;
  return [
    `${title}: ${unit}, median (min–max)`,
    ...lines.map((line) => row(line.name, spreadText(line, figure) + moreText(line))),
    ...ratios.map((ratio) =>
      row(
        ratio.name,
        spreadText(ratio, (value) => value.toFixed(2)),
      ),
    ),
  ].join('\n');
}

function spreadText({ median, min, max }, format) {
  return `${format(median).padStart(9)}  (${format(min)}–${format(max)})`;
}

function moreText({ p99Ms, cpuUs }) {
  const p99 = p99Ms === undefined ? '' : `  99 % within ${figure(p99Ms)} ms`;
  return cpuUs === undefined ? p99 : `${p99}, ${figure(cpuUs)} µs of CPU each`;
}

/** Three significant digits where it is small, whole numbers where it is large. */
export function figure(value) {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}
