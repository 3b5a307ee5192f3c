/** Figures and times as people read them (pure). What is unknown is a dash, never a zero. */
export const UNKNOWN = "–";

export function number(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  return new Intl.NumberFormat(language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** "3d 4h", "12m 5s": the two largest units. */
export function duration(seconds: number): string {
  const rest = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(rest / 86_400), "d"],
    [Math.floor(rest / 3600) % 24, "h"],
    [Math.floor(rest / 60) % 60, "m"],
    [rest % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join(" ");
}

export function time(iso: string, language: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return UNKNOWN;
  return new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" }).format(at);
}

/** Seconds from now; negative in the past. */
export function secondsUntil(iso: string, now: number): number {
  return (new Date(iso).getTime() - now) / 1000;
}

export function bytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
