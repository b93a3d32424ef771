/** @typedef {{median: number, min: number, max: number}} Spread */

/** The middle one; the mean of the two in the middle where their number is even. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @returns {Spread} */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Each round gives one ratio: what slows the machine down for a while slows down both sides of it.
 *
 * @returns {Spread}
 */
export function ratioOf(above, below) {
  return spread(above.map((value, round) => value / below[round]));
}
