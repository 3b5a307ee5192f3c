import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isPolicyHost, readStsPolicy, readStsRecord } from "./mta-sts.ts";

test("a domain has exactly one record, and its id counts", () => {
  const cases: readonly (readonly [string[][], string | null])[] = [
    [[["v=STSv1; id=20160831085700Z;"]], "20160831085700Z"],
    [[["v=STSv1;", " id=a1"]], "a1"],
    [[["v=spf1 -all"], ["v=STSv1; id=1"]], "1"],
    [[["v=STSv1; id=1"], ["v=STSv1; id=2"]], null],
    [[["v=STSv1"]], null],
    [[["v=STSv1; id=with-hyphen"]], null],
    [[], null],
  ];
  for (const [texts, id] of cases) assert.equal(readStsRecord(texts), id, JSON.stringify(texts));
});

test("a policy is read with either line end, unknown fields are passed over, the first of its kind counts", () => {
  const text =
    "version: STSv1\r\nmode: enforce\r\nmode: none\r\nmx: mail.example.net\r\nmx: *.example.org\r\nx: y\r\nmax_age: 604800\r\n";
  const policy = readStsPolicy(text);
  assert.equal(policy?.mode, "enforce");
  assert.deepEqual(policy.hosts, ["mail.example.net", "*.example.org"]);
  assert.equal(policy.maxAgeMs, 604_800_000);
});

test("what is no policy is none", () => {
  const good = ["version: STSv1", "mode: enforce", "mx: mail.example.net", "max_age: 1"];
  for (const wrong of [
    good.slice(1),
    good.with(1, "mode: maybe"),
    good.toSpliced(2, 1),
    good.with(2, "mx: *"),
    good.with(2, "mx: a.*.example.net"),
    good.with(3, "max_age: soon"),
    ["<html>"],
  ]) {
    assert.equal(readStsPolicy(wrong.join("\n")), null, wrong.join("|"));
  }
});

test("a star stands for one label, the leftmost", () => {
  const policy = { hosts: ["mail.example.net", "*.example.org"] };
  const named = ["mail.example.net", "MAIL.example.net.", "a.example.org"];
  const others = ["example.org", "a.b.example.org", "x.mail.example.net", "xexample.org"];
  assert.deepEqual(
    [...named, ...others].filter((host) => isPolicyHost(policy, host)),
    named,
  );
});

test("any text is a policy or none, and a policy has a mode, a time and hosts", () => {
  const line = fc.constantFrom(
    ...[
      "version: STSv1",
      "mode: enforce",
      "mode: none",
      "mode: x",
      "mx: mail.example.net",
      "mx: *.example.net",
      "mx: *",
    ],
    ...[
      "mx: ..",
      "max_age: 604800",
      "max_age: -1",
      "max_age: 99999999999999999999",
      "",
      ":",
      "é: \0",
      "__proto__: 1",
    ],
  );
  const text = fc.tuple(fc.array(line, { maxLength: 10 }), fc.constantFrom("\n", "\r\n", "\r"));
  fc.assert(
    fc.property(text, ([lines, end]) => {
      const policy = readStsPolicy(lines.join(end));
      if (policy === null) return;
      assert.match(policy.mode, /^(?:enforce|testing|none)$/);
      assert.ok(policy.maxAgeMs >= 0 && Number.isSafeInteger(policy.maxAgeMs));
      assert.ok(policy.mode === "none" || policy.hosts.length > 0);
      for (const host of ["mail.example.net", "", ".", "*"]) isPolicyHost(policy, host);
    }),
  );
});
