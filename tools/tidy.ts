/**
 * The house rules as a check: reads every file of the checkout, prints one line a finding and ends with 1 when there is
 * one. `node tools/tidy.ts FOLDER …` prints only findings below these folders.
 */
import { readFile } from "node:fs/promises";

import { judgeFile } from "./tidy/rules.ts";
import { judgeTree } from "./tidy/whole.ts";
import { listFiles, root } from "./tree.ts";

/** Data that quotes whatever it likes. */
const QUOTED = /(^|\/)(testdata|generated)\/|^package-lock\.json$|\.sum$/;

const paths = listFiles();
const texts = await Promise.all(paths.map((path) => readFile(`${root}${path}`, "utf8")));
const tree = new Map(paths.map((path, at) => [path, texts[at] ?? ""]));
const single = [...tree]
  .filter(([path]) => !QUOTED.test(path))
  .flatMap(([path, text]) => judgeFile(path, text));
const wanted = process.argv.slice(2);
const findings = [...single, ...judgeTree(tree)]
  .filter(({ path }) => wanted.length === 0 || wanted.some((folder) => path.startsWith(folder)))
  .sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line);

for (const { path, line, text } of findings) process.stdout.write(`${path}:${line}: ${text}\n`);
process.stdout.write(`[tidy] ${paths.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
