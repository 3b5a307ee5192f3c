/** The only source of chance for decisions: handed in, so that a test can choose. Not for secrets. Never fails. */
export type Random = () => number;

/** Uniform in [0, 1). */
export const systemRandom: Random = () => Math.random();

/** A new array in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const swapped = result[i] as T;
    result[i] = result[j] as T;
    result[j] = swapped;
  }
  return result;
}
