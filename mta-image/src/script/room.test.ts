/** What functions of the library make room for is paid for by the run: whoever makes many small things reaches the bound on memory. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { CompileError } from "./error.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { loadFrom, noFiles } from "./module.ts";

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
  '$a = ["x"]; for ($i = 0; $i < 16; $i++) $a = [$a, $a]; json_encode($a);',
  "csv_encode([[1] * 500] * 500);",
  'csv_decode(array_join(array_range(0, 500), ",") . "\\n" . str_repeat("1\\n", 500));',
  'yaml_decode("a: &a " . str_repeat("x", 20000) . "\\nb: [" . str_repeat("*a,", 300) . "]");',
  `for ($i = 0; $i < 1000; $i++) $x[] = [${Array(1_000).fill("$i").join(",")}];`,
  `for ($i = 0; $i < 200; $i++) $x[] = [${Array.from({ length: 900 }, (_, at) => `"k${at}"=>$i`).join(",")}];`,
  'pcre_match_all(str_repeat("()", 400) . "a", str_repeat("a", 400));',
  '$t = str_repeat("x", 100000); for ($i = 0; $i < 50; $i++) $x[] = File::String($t);',
  '$y = str_repeat("y", 5000); $m = MailMessage::String("A: b\\r\\n\\r\\n"); for ($i = 0; $i < 900; $i++) $m->addHeader("X", $y);',
  '$m = MIME(); for ($i = 0; $i < 30000; $i++) $m->addHeader("X", "y");',
  '$m = MailMessage::String(str_repeat("A:\\n", 50000) . "\\n"); $m->getHeaderNames();',
  '$m = MailMessage::String(str_repeat("A: b\\n", 9000) . "\\n"); $m->getHeader("a"); for ($i = 0; $i < 100; $i++) $m->snapshot();',
  '$m = MailMessage::String(str_repeat("y", 9000)); for ($i = 0; $i < 900; $i++) $m->modifyContent($i * 2, 1, "z");',
  '$p = MIME()->setBody(str_repeat("x", 100000)); $m = MIME(); for ($i = 0; $i < 60; $i++) $m->appendPart($p); $m->toString();',
  'Iconv("latin1", "utf-32")->convert(str_repeat("x", 2000000));',
])
  test(`the memory of a run ends ${text.slice(0, 100)}`, async () => {
    const { error } = await run(compile("room", text, libraryHost, noFiles), { world: quietWorld(), limits });
    assert.deepEqual([error?.kind, error?.message], ["budget", "the script used too much memory"]);
  });

test("data that a few bytes of a file stand for are refused with the file's name before they are made", () => {
  const levels = Array.from({ length: 8 }, (_, at) => {
    const items = Array(9).fill(at === 0 ? "x" : `*a${at - 1}`);
    return `a${at}: &a${at} [${items.join(",")}]\n`;
  });
  const long = `a: &a ${"x".repeat(50_000)}\nb: [${Array(2_000).fill("*a").join(",")}]\n`;
  const wide = `${Array.from({ length: 2_000 }, (_, at) => `c${at}`).join(",")}\n${"1\n".repeat(2_000)}`;
  for (const [name, text] of Object.entries({ "a.yaml": levels.join(""), "b.yaml": long, "c.csv": wide }))
    assert.throws(
      () => compile("room", `import $data from "${name}";`, libraryHost, loadFrom(new Map([[name, text]]))),
      (error) =>
        error instanceof CompileError && error.diagnostics[0]?.message === `${name}: the data are too large`,
    );
});

test("a file may have more rows than a run could read", async () => {
  const files = loadFrom(new Map([["list.csv", `id\n${"1\n".repeat(350_000)}`]]));
  const compiled = compile("room", 'import $list from "list.csv"; return length($list);', libraryHost, files);
  assert.equal((await run(compiled, { world: quietWorld() })).value, 350_000);
});

test("a line of a file costs about what it holds", async () => {
  const text =
    '$f = File::String(str_repeat("x\\n", 5000)); while ($f->readline() !== false) $n++; return $n;';
  const { value, error } = await run(compile("room", text, libraryHost, noFiles), {
    world: quietWorld(),
    limits,
  });
  assert.deepEqual([error, value], [null, 5000]);
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
