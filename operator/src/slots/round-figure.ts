/**
 * A figure as the status and messages tell it (pure): one digit and its half steps (1, 2 … 9, 10, 15, 20 … 95, 100,
 * 150 …), upwards, so that a busy cluster is seldom written to and only empty reads 0.
 */
export function roundFigure(value: number): number {
  if (value < 10) return Math.ceil(value);
  const step = 10 ** Math.floor(Math.log10(value)) / 2;
  return Math.ceil(value / step) * step;
}
