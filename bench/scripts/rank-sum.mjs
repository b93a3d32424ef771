/** Statistics of two samples: how likely is it that both come from one distribution? */

/**
 * The two-sided rank-sum test of Mann and Whitney: normal approximation with correction for ties and for continuity. Returns the
 * statistic U of the first sample and p.
 */
export function rankSum(a, b) {
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))];
  all.sort((x, y) => x.value - y.value);
  const n = all.length;
  let ranks = 0;
  let ties = 0;
  for (let from = 0; from < n;) {
    let to = from;
    while (to < n && all[to].value === all[from].value) to++;
    const same = to - from;
    // Equal values share the mean of their ranks, which count from 1.
    for (let i = from; i < to; i++) if (all[i].first) ranks += (from + 1 + to) / 2;
    ties += same ** 3 - same;
    from = to;
  }
  const u = ranks - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const variance = ((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1)));
  if (variance === 0) return { u, p: 1 };
  const z = Math.max(0, Math.abs(u - mean) - 0.5) / Math.sqrt(variance);
  return { u, p: Math.min(1, complementaryErrorFunction(z / Math.SQRT2)) };
}

/** p values of several tests, adjusted by Holm's method: below a level, the family of all of them is rejected at it. */
export function holm(values) {
  const order = values.map((p, i) => ({ p, i })).sort((x, y) => x.p - y.p);
  const adjusted = Array(values.length);
  let least = 0;
  for (const [rank, { p, i }] of order.entries()) {
    least = Math.max(least, Math.min(1, (values.length - rank) * p));
    adjusted[i] = least;
  }
  return adjusted;
}

export function quantile(values, share) {
  const sorted = [...values].sort((x, y) => x - y);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** erfc for x of 0 or more, by Chebyshev fitting with a relative error below 1.2e-7 (Numerical Recipes, section 6.2). */
function complementaryErrorFunction(x) {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  const sum = coefficients.reduceRight((rest, coefficient) => rest * t + coefficient, 0);
  return t * Math.exp(-x * x + sum);
}

const upTo = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
/** Both samples, U and p. */
const EXAMPLES = [
  ['ages of a diagnosis', [19, 22, 16, 29, 24], [20, 11, 17, 12], 17, 0.11134688653314041],
  ['ties', [1, 2, 2, 3, 5, 8, 8, 8], [2, 3, 4, 8, 9, 9, 10, 11, 12], 16, 0.05808453717331975],
  ['nothing but ties', [1, 1, 1], [1, 1, 1], 4.5, 1],
  ['far apart', upTo(0, 300), upTo(80, 380), 24_200, 1.1615408674870853e-22],
];

/** Throws unless the functions reproduce examples: those of p are results of SciPy 1.17.1, `mannwhitneyu`. */
export function selfTest() {
  const expectNear = (what, got, wanted) => {
    if (!(Math.abs(got - wanted) <= 1e-6 * Math.max(1e-9, Math.abs(wanted))))
      throw new Error(`${what}: ${got}, not ${wanted}`);
  };
  const expectTest = (what, a, b, u, p) => {
    const result = rankSum(a, b);
    expectNear(`${what}, U`, result.u, u);
    expectNear(`${what}, p`, result.p, p);
  };
  EXAMPLES.forEach(([what, a, b, u, p]) => expectTest(what, a, b, u, p));
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expectNear(`Holm ${i}`, adjusted[i], p));
  expectNear('median', quantile([4, 1, 3, 2], 0.5), 2.5);
}
