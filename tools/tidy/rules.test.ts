import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_LINES, judgeFile } from "./rules.ts";
import { judgeTree } from "./whole.ts";

const head = "/** A file. */\n";
const texts = (path: string, code: string) => judgeFile(path, head + code).map(({ text }) => text);

test("a room may import what the table gives it and nothing else", () => {
  assert.deepEqual(texts("mta-image/src/session/a.ts", 'import { b } from "../smtp/b.ts";\n'), []);
  assert.match(
    texts("mta-image/src/session/a.ts", 'import type { b } from "#mta/delivery/b.ts";\n').join(),
    /may not import/,
  );
  assert.match(texts("crds/a.ts", 'import { b } from "pino";\n').join(), /crds may not import pino/);
  assert.match(texts("operator/src/slots/a.ts", 'import { connect } from "node:net";\n').join(), /node:net/);
  assert.deepEqual(texts("operator/src/slots/a.ts", 'import { isIP } from "node:net";\n'), []);
});

test("an import that runs over several lines is seen", () => {
  assert.match(
    texts("crds/a.ts", 'import {\n  b,\n  c,\n} from "#operator/main.ts";\n').join(),
    /may not import/,
  );
});

test("what is for tests is imported by tests only", () => {
  const code = 'import { ManualClock } from "#base/testing/manual-clock.ts";\n';
  assert.match(texts("mta-image/src/queue/a.ts", code).join(), /for tests only/);
  assert.deepEqual(judgeFile("mta-image/src/queue/a.test.ts", code), []);
});

test("a room that the table does not know is named", () => {
  assert.match(texts("operator/src/novel/a.ts", "").join(), /not in tools\/layers.ts/);
});

test("time, randomness, environment and console are handed in", () => {
  for (const code of [
    "Date.now()",
    "new Date()",
    "setTimeout(f, 1)",
    "Math.random()",
    "process.env",
    'console.log("")',
  ]) {
    assert.equal(texts("operator/src/slots/a.ts", `export const a = ${code};\n`).length, 1, code);
  }
  assert.deepEqual(texts("operator/src/slots/a.ts", "clock.setTimeout(f, 1); new Date(0);\n"), []);
  assert.deepEqual(texts("base/clock.ts", "Date.now();\n"), []);
});

test("size, name, header, notes and machine paths are watched", () => {
  assert.match(texts("crds/a.ts", "\n".repeat(MAX_LINES)).join(), /lines/);
  assert.match(texts("crds/utils.ts", "").join(), /says nothing/);
  assert.match(
    judgeFile("crds/a.ts", "export {};\n")
      .map(({ text }) => text)
      .join(),
    /does not open/,
  );
  assert.match(texts("crds/a.ts", `// ${"TO"}${"DO"}: later\n`).join(), /note to self/);
  assert.match(
    judgeFile("a.md", `see ${"/ro"}${"ot/"}x\n`)
      .map(({ text }) => text)
      .join(),
    /machine/,
  );
});

const judged = (files: Readonly<Record<string, string>>) =>
  judgeTree(new Map(Object.entries(files))).map(({ path, text }) => `${path}: ${text}`);

test("a circle of imports is found", () => {
  const found = judged({ "base/a.ts": 'import "./b.ts";\n', "base/b.ts": 'import "./a.ts";\n' });
  assert.deepEqual(found, ["base/a.ts: imports itself through base/b.ts"]);
});

test("dead files and unused exports are found, what a script starts is alive", () => {
  const files = {
    "base/a.ts": "export const lonely = 1;\n",
    "tools/b.ts": "run();\n",
    Makefile: "node tools/b.ts\n",
  };
  assert.deepEqual(judged(files), [
    "base/a.ts: is used by nobody",
    "base/a.ts: exports lonely, which nobody uses",
  ]);
});

test("a link to a file that is not there is found", () => {
  const files = {
    "docs/a.md": "[b](b.md) [c](c.md#x) [d](https://example.org) [e](../docs)\n",
    "docs/b.md": "",
  };
  assert.deepEqual(judged(files), ["docs/a.md: links to c.md, which is not there"]);
});
