/**
 * Value syntax of the configuration files: durations "1d2h3m4s" or seconds, sizes "10MiB" or bytes (Halon's
 * syntax, reference of its configuration). Pure; null for what is neither.
 */

const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const SIZE = /^(\d+)(B|KiB|MiB|GiB|TiB)?$/;
const SIZE_FACTOR = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

/** Milliseconds. */
export function parseDuration(value: string | number): number | null {
  if (typeof value === "number")
    return value >= 0 && Number.isFinite(value) ? Math.round(value * 1000) : null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const match = value === "" ? null : DURATION.exec(value);
  if (match === null) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** Bytes. */
export function parseSize(value: string | number): number | null {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : null;
  const match = SIZE.exec(value);
  if (match === null) return null;
  const bytes = Number(match[1]) * SIZE_FACTOR[(match[2] ?? "B") as keyof typeof SIZE_FACTOR];
  return Number.isSafeInteger(bytes) ? bytes : null;
}
