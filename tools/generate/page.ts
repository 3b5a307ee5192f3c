/**
 * A generated page of docs/: kept current, or checked. With --check nothing is written, and the answer is 1 when the
 * page is not current.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

export async function keepPage(page: URL, wanted: string): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  if ((await readFile(page, "utf8").catch(() => "")) === wanted) return 0;
  if (!values.check) await writeFile(page, wanted);
  process.stdout.write(`${values.check ? "not current" : "written"}: ${page.pathname}\n`);
  return values.check ? 1 : 0;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
