/** A named lock that its holder leaves behind: whatever a script does, the next one gets it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";

const generator = `function each() { barrier "b" => $n { $n += 1; foreach ([1, 2] as $i) yield $i; } }`;

/** How scripts leave a block that they are in the middle of. */
const ends: Readonly<Record<string, string>> = {
  "a break": "foreach (each() as $i) break;",
  "a return": "function f() { foreach (each() as $i) return $i; } f();",
  "an exception": `foreach (each() as $i) throw "out";`,
  "a loop without end": "foreach (each() as $i) while (true) $i += 1;",
};

for (const [what, text] of Object.entries(ends))
  test(`a lock that a generator holds is free when its run is over, after ${what}`, async () => {
    const said: string[] = [];
    const world = { ...quietWorld(), echo: (line: string) => void said.push(line) };
    const limits = { steps: 10_000, cpuMs: 60_000, wallMs: 60_000, bytes: 1 << 24 };
    const start = (source: string) => run(compile("x", source, libraryHost, noFiles), { world, limits });
    await start(`${generator} ${text}`);
    const next = start(`barrier "b" => $n { echo $n; $n = "next"; }`);
    const after = start(`barrier "b" => $n { echo $n; }`);
    assert.equal((await next).error, null);
    assert.equal((await after).error, null);
    assert.deepEqual(said, ["none", "next"]);
  });
