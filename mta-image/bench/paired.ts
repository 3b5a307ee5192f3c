/**
 * What one thing costs more than another when the machine has other work too: each is run right beside the other, by turns
 * first and second, and every such pair is a ratio of its own. What comes and goes meets both of a pair, and the median of
 * many pairs forgets those where it met one. Pure.
 */

export interface Paired {
  readonly pairs: number;
  /** Medians of what was measured. */
  readonly with: number;
  readonly without: number;
  /** Of the ratios, in percent more. */
  readonly median: number;
  /** Where the median of endlessly many pairs is, 19 times of 20. */
  readonly between: readonly [number, number];
  /** Half of the pairs are within. */
  readonly half: readonly [number, number];
}

export function paired(measured: readonly { readonly with: number; readonly without: number }[]): Paired {
  const added = sorted(measured.map((pair) => (pair.with / pair.without - 1) * 100));
  // Order statistics: how many of n values are below their median is binomial, about n / 2 by sqrt(n) / 2.
  const reach = 0.98 / Math.sqrt(Math.max(added.length, 1));
  return {
    pairs: added.length,
    with: part(sorted(measured.map((pair) => pair.with)), 0.5),
    without: part(sorted(measured.map((pair) => pair.without)), 0.5),
    median: part(added, 0.5),
    between: [part(added, Math.max(0.5 - reach, 0)), part(added, Math.min(0.5 + reach, 1))],
    half: [part(added, 0.25), part(added, 0.75)],
  };
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function part(ascending: readonly number[], share: number): number {
  return ascending[Math.round((ascending.length - 1) * share)] ?? Number.NaN;
}
