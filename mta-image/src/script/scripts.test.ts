/**
 * Every script in testdata: its closing comments say what must happen, line by line. "// prints X" is one echo, in order;
 * "// throws X" the message it ends with; "// refused L:C X" an error of the compiler; "// at NAME L" a frame of
 * the stack, in order. A script says at least one of them, and nothing else may be printed.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import type { World } from "./context.ts";
import { CompileError } from "./error.ts";
import { libraryHost } from "./library/library.ts";
import { defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import type { Loader } from "./module.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const root = fileURLToPath(new URL("./testdata/", import.meta.url));
/** How long a busy machine takes is not what is tested here. */
const limits = { ...defaultLimits, steps: 20_000_000, bytes: 1 << 28, cpuMs: 60_000 };

const loader: Loader = {
  load: (id) => {
    try {
      return { id, text: readFileSync(root + id, "latin1") };
    } catch {
      return null;
    }
  },
};

interface Happened {
  readonly lines: string[];
}

async function happen(id: string, text: string): Promise<string[]> {
  const said: Happened = { lines: [] };
  const world: World = {
    ...quietWorld(),
    echo: (line) => void said.lines.push(`prints ${line}`),
  };
  try {
    const { error } = await run(compile(id, text, libraryHost, loader), { world, limits });
    if (error !== null) {
      said.lines.push(`throws ${error.message}`);
      for (const { name, line } of error.frames) said.lines.push(`at ${name} ${line}`);
    }
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    for (const { line, column, message } of error.diagnostics)
      said.lines.push(`refused ${line}:${column} ${message}`);
  }
  return said.lines.flatMap((line) => line.split("\n"));
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" });
const scripts = files.filter((name) => name.endsWith(".hsl") && !name.includes("library/"));
assert.ok(scripts.length > 0, "there are scripts in testdata");
for (const id of scripts) {
  const text = readFileSync(root + id, "latin1");
  const expected = [...text.matchAll(/^\/\/ ((?:prints|throws|refused|at)\b.*)$/gm)].map(
    ([, line]) => line as string,
  );
  if (/(^|\/)(part|lib)-/.test(id)) continue;
  test(`script ${id} does what its comments say`, async () => {
    assert.ok(expected.length > 0, "the script says nothing about what must happen");
    const happened = await happen(id, text);
    const wantsFrames = expected.some((line) => line.startsWith("at "));
    const seen = wantsFrames ? happened : happened.filter((line) => !line.startsWith("at "));
    assert.deepEqual(
      seen,
      expected.map((line) => line.replace(/^prints$/, "prints ")),
    );
  });
}
