/** Figures of all rounds as a table for each load, and ratios of medians (pure). */
import type { Figures } from "./measure.ts";

export interface Row {
  readonly server: string;
  readonly figures: readonly Figures[];
}

export function table(title: string, rows: readonly Row[]): string {
  return [
    "",
    `${title}; messages a second, median (least to most)`,
    "",
    "| server | accepted | delivered | processor time a message | bytes to disk a byte |",
    "|---|---|---|---|---|",
    ...rows.map(({ server, figures }) => {
      const cpu = medianOf(figures, "cpuMicros");
      const written = medianOf(figures, "writtenShare");
      const costs = `${cpu === null ? "" : `${cpu.toFixed(0)} µs`} | ${written?.toFixed(2) ?? ""}`;
      return `| ${server} | ${spread(figures, "accepted")} | ${spread(figures, "delivered")} | ${costs} |`;
    }),
    "",
  ].join("\n");
}

/** Such as "accepted, Mailfleet against Postfix: 7.01 times". */
export function ratio(name: "accepted" | "delivered", one: Row, other: Row): string {
  const times = (medianOf(one.figures, name) ?? Number.NaN) / (medianOf(other.figures, name) ?? Number.NaN);
  return `${name}, ${one.server} against ${other.server}: ${times.toFixed(2)} times\n`;
}

function spread(figures: readonly Figures[], name: "accepted" | "delivered"): string {
  const sorted = sortedOf(figures, name);
  const [least, most] = [sorted[0] ?? Number.NaN, sorted.at(-1) ?? Number.NaN];
  return `${Math.round(medianOf(figures, name) ?? Number.NaN)} (${Math.round(least)} to ${Math.round(most)})`;
}

/** Null when one of them is unknown. */
function medianOf(figures: readonly Figures[], name: keyof Figures): number | null {
  const sorted = sortedOf(figures, name);
  return sorted.length < figures.length ? null : (sorted[sorted.length >> 1] ?? null);
}

function sortedOf(figures: readonly Figures[], name: keyof Figures): number[] {
  const known = figures.map((one) => one[name]).filter((value) => value !== null);
  return known.sort((a, b) => a - b);
}
