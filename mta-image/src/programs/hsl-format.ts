/**
 * hsl-format: formats scripts, `hsl-format [--check | --write] [FILE…]`. Without options the result goes to standard output;
 * without files the script comes from standard input. Ends with 0; with 1 when a file does not parse, or with --check when one is
 * not formatted, which is said on standard error; with 2 for options and files that there are not. A file that does not parse is left alone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { describe } from "#base/error.ts";

import { format } from "../language-server/format.ts";
import { Sources } from "../script/source.ts";

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  say(`hsl-format: ${describe(error)}`);
  process.exitCode = 2;
}

function main(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { check: { type: "boolean", default: false }, write: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const names = positionals.length === 0 ? ["-"] : positionals;
  const ends = names.map((name) => one(name, values));
  return Math.max(...ends);
}

function one(name: string, { check, write }: { readonly check: boolean; readonly write: boolean }): number {
  const text = readFileSync(name === "-" ? 0 : name, "latin1");
  const sources = new Sources();
  const source = sources.add(name, text);
  const formatted = format(source, (at, message) => {
    const { file, line, column } = sources.place(at);
    say(`${file}:${line}:${column}: ${message}`);
  });
  if (formatted === null) return 1;
  if (check) {
    if (formatted !== text) say(`${name} is not formatted`);
    return formatted === text ? 0 : 1;
  }
  if (write && name !== "-") {
    if (formatted !== text) writeFileSync(name, formatted, "latin1");
  } else process.stdout.write(formatted, "latin1");
  return 0;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`, "latin1");
}
