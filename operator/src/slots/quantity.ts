/** Kubernetes quantities ("10Gi", "500m", "2") as numbers, for comparing. Pure; null for what is none. */

const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
  Ei: 1024 ** 6,
};

export function parseQuantity(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(text);
  const factor = FACTORS[match?.[2] ?? "none"];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}
