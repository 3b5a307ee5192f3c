import assert from "node:assert/strict";
import { test } from "node:test";

import { parseUrl, urlForm } from "./normalize-url.ts";
import { parseUrlRules, readUrlRules } from "./url-rules.ts";

const rules = parseUrlRules(`
- name: query
  re: '[/?][a-zA-Z0-9?=/]{2,512}'
  lowerhash: true
  domains: [q.example, other.example]
- name: default
  re: '/[a-z]+'
`);

const form = (url: string): string => {
  const parsed = parseUrl(url);
  assert.ok(parsed !== null);
  return urlForm(parsed, rules);
};

test("rules hold for their domains and all below, the one without domains for all others", () => {
  assert.equal(form("http://Q.example/Ab?C=d#e"), "q.example/ab?c=d");
  assert.equal(form("http://www.other.example/Ab?C"), "www.other.example/ab?c");
  assert.equal(form("http://x.example/ab/Cd"), "x.example/ab");
  assert.equal(form("http://x.example/Ab/ab"), "x.example");
});

test("what is no such file is refused", async () => {
  for (const text of ["", "a: b", "- name: x", "- {name: x, re: '('}"])
    assert.throws(() => parseUrlRules(text));
  await assert.rejects(readUrlRules("/nowhere/rules.yaml"), { code: "spamhaus-url-rules" });
});
