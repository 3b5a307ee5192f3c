/** What functions of the library make room for is paid for by the run: whoever makes many small things reaches the bound on memory. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";

const limits: Limits = { ...defaultLimits, bytes: 4 << 20, cpuMs: 60_000 };

for (const text of [
  'str_split(str_repeat("x", 1000000), "");',
  'str_replace("x", "y", str_repeat("x", 1000000));',
  'str_chunk(str_repeat("x", 1000000), 1);',
  '$m = Map("number", "number"); for ($i = 0; $i < 100000; $i++) $m->set($i, 1);',
  '$s = Set("number"); for ($i = 0; $i < 100000; $i++) $s->add($i);',
  'unpack(str_repeat("a*@0", 1000), str_repeat("x", 10000));',
  'strftime(str_repeat("%c", 200000), 0);',
  'json_decode("[" . str_repeat("[],", 100000) . "1]");',
  '$s = str_repeat("x", 100000); json_encode([$s] * 50);',
])
  test(`the memory of a run ends ${text}`, async () => {
    const { error } = await run(compile("room", text, libraryHost, noFiles), { world: quietWorld(), limits });
    assert.deepEqual([error?.kind, error?.message], ["budget", "the script used too much memory"]);
  });

test("a text is cut into no more parts than an array may have items", async () => {
  const text = 'str_split(str_repeat("x", 5000000), "");';
  const wide: Limits = { ...limits, bytes: 1 << 30 };
  const outcome = await run(compile("room", text, libraryHost, noFiles), {
    world: quietWorld(),
    limits: wide,
  });
  assert.equal(outcome.error?.message, "a text has too many parts");
});

test("a part that stands in others twice, over and over, is no message without end", {
  timeout: 60_000,
}, async () => {
  const text = `$part = MIME(); for ($i = 0; $i < 60; $i++) $part = MIME()->appendPart($part)->appendPart($part);
    try { $part->toString(); } catch ($error) { return $error->message(); }`;
  const outcome = await run(compile("room", text, libraryHost, noFiles), { world: quietWorld(), limits });
  assert.equal(outcome.value, "the message has too many parts", outcome.error?.describe() ?? "");
});
