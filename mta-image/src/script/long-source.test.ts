/** Sources that are long, not deep: what stands in a row is compiled and runs, however much of it there is. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";

function row(times: number, item: (at: number) => string, between = ""): string {
  return Array.from({ length: times }, (_, at) => item(at)).join(between);
}

/** By name: what returns the value behind it. */
const sources: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  "an array of 50,000 keys": [
    `$a = [${row(50_000, (at) => `"k${at}" => ${at}`, ",")}]; return $a["k49999"] + length($a);`,
    99_999,
  ],
  "an array of 20,000 keys, items and spread arrays": [
    `$a = [${row(20_000, (at) => [`"k" => ${at}`, `${at}`, `...[${at}, "s"]`][at % 3] as string, ",")}];
    return length($a) . " " . $a["k"] . " " . $a[19996];`,
    "20000 19998 19997",
  ],
  "a function of 10,000 stores in arrays of arrays, ten calls deep": [
    `function f($depth) {
      if ($depth < 10) return f($depth + 1);
      $a = []; ${row(10_000, (at) => `$a[${at % 10}][] = ${at};`)}
      return $a;
    }
    return length(f(1)[9]);`,
    1_000,
  ],
  "a match of 20,000 values": [
    `return match (19999) { ${row(20_000, (at) => `${at} => "v${at}"`, ",")} };`,
    "v19999",
  ],
};

for (const [name, [text, value]] of Object.entries(sources))
  test(name, async () => {
    const outcome = await run(compile("long", text, libraryHost, noFiles), { world: quietWorld() });
    assert.equal(outcome.error, null);
    assert.equal(outcome.value, value);
  });
