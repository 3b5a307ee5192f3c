import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { arrayOf } from "../hooks/texts.ts";
import { type Value, HslArray } from "../script/value.ts";
import { rendered } from "./rendered.ts";

function one(value: Value, around: readonly Value[] = []): string {
  return rendered([["value", value]], around)[0]?.value ?? "";
}

test("values read as in source, bounded in length, depth and number", () => {
  assert.equal(
    one(arrayOf({ a: 1, b: [true, null, "x\x1b"] })),
    String.raw`["a"=>1,"b"=>[0=>true,1=>none,2=>"x\x1b"]]`,
  );
  assert.ok(one("x".repeat(10_000_000)).length < 600);
  assert.match(one(HslArray.of(Array.from({ length: 1000 }, (_, at) => at))), /,49=>49,… 1000 in all\]$/);
  let deep: Value = 1;
  for (let at = 0; at < 1000; at++) deep = new HslArray([deep, deep]);
  assert.match(one(deep), /\[…\]/);
  const wide = HslArray.of(Array.from({ length: 50 }, () => HslArray.of(Array(50).fill("y".repeat(500)))));
  assert.ok(one(wide).length < 40_000);
});

test("what stands under the name of a secret is masked, and wherever else it turns up", () => {
  const found = rendered(
    [
      ["password", "hunter22"],
      ["copy", "pass is hunter22!"],
      ["config", arrayOf({ api_key: "k-1234", url: "https://x/?key=k-1234" })],
    ],
    [],
  );
  assert.doesNotMatch(JSON.stringify(found), /hunter22|k-1234/);
  assert.equal(found[1]?.value, '"pass is ***!"');
});

test("what a client answered within AUTH is masked, and what it decodes to, though only a hidden variable has it", () => {
  const response = Buffer.from("\0alice\0open sesame").toString("base64");
  const around = [arrayOf({ mechanism: "PLAIN", username: "alice", password: "", response })];
  assert.equal(one("open sesame", around), '"***"');
  assert.equal(one(`got ${response}`, around), '"got ***"');
  const whole = one(around[0] as Value);
  assert.match(whole, /"mechanism"=>"PLAIN"/);
  assert.ok(!whole.includes(response));
});

test("no part of a secret is left where a text is cut, however long it is and wherever it stands", () => {
  const secret = fc.stringMatching(/^[A-Z]{8,600}$/);
  const before = fc.integer({ min: 0, max: 1200 });
  fc.assert(
    fc.property(secret, before, (hidden, count) => {
      const shown = one(`${"-".repeat(count)}${hidden}`, [arrayOf({ token: hidden })]);
      assert.doesNotMatch(shown, /[A-Z]{4}/);
    }),
    { numRuns: 300 },
  );
});
