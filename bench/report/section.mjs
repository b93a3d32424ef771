import { ratioOf, spread } from '../support/statistics.mjs';

/**
 * The result of one measure: what table, JSON and picture are made from.
 *
 * @typedef {import('../support/statistics.mjs').Spread} Spread
 * @typedef {{name: string, perRound: number[], p99Ms?: number, cpuUs?: number} & Spread} Line
 * @typedef {{name: string} & Spread} Ratio
 * @typedef {object} Section
 * @property {string} key as `--only` names it
 * @property {string} title
 * @property {string} unit
 * @property {boolean} [lessIsBetter]
 * @property {Line[]} lines
 * @property {Ratio[]} ratios
 */

/** @returns {Line} */
export function line(name, perRound, more = {}) {
  return { name, ...spread(perRound), perRound, ...more };
}

/**
 * @param {Line} above
 * @param {Line} below
 * @returns {Ratio}
 */
export function ratio(name, above, below) {
  return { name, ...ratioOf(above.perRound, below.perRound) };
}
