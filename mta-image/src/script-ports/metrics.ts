/** Figures that scripts make up, as Prometheus shows them. Bounded in number: a label per recipient must not fill memory. */
import type { MetricsPort } from "../script/ports.ts";

const MAX_SERIES = 10_000;
const PREFIX = "script_";

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  value: number;
}

export class ScriptFigures implements MetricsPort {
  readonly #series = new Map<string, Series>();

  change(
    name: string,
    labels: Readonly<Record<string, string>>,
    how: "increment" | "decrement" | "set",
    value: number,
  ): boolean {
    const key = keyOf(name, labels);
    const series = this.#series.get(key) ?? { name, labels, value: 0 };
    if (!this.#series.has(key)) {
      if (this.#series.size >= MAX_SERIES) return false;
      this.#series.set(key, series);
    }
    if (how === "set") series.value = value;
    else series.value += how === "increment" ? value : -value;
    return true;
  }

  get(name: string, labels: Readonly<Record<string, string>>): number | null {
    return this.#series.get(keyOf(name, labels))?.value ?? null;
  }

  /** The text format of Prometheus, each name once with all of its series. */
  text(): string {
    const lines: string[] = [];
    for (const [name, all] of Map.groupBy(this.#series.values(), (one) => one.name)) {
      lines.push(`# TYPE ${PREFIX}${name} gauge`);
      for (const { labels, value } of all) lines.push(`${PREFIX}${name}${labelText(labels)} ${value}`);
    }
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name.replace(/[^a-zA-Z0-9_]/g, "_")}="${value.replace(/["\\\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
