import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeLogLines } from "../../testing/log-lines.ts";
import { NoResults } from "./no-results.ts";

const refused = { error: "connect ECONNREFUSED 127.0.0.1:1" };

function make() {
  const clock = new ManualClock();
  const { log, lines } = makeLogLines();
  const all = new NoResults(clock, log);
  const note = (url: string, why: { error: string } | { status: number }): void =>
    all.note({ url: URL.parse(url), why });
  const said = () => lines.map(({ msg, url, error, status, more }) => [msg, url, error ?? status, more]);
  return { clock, note, said };
}

test("the same is said once a minute, with how often it was left out", () => {
  const { clock, note, said } = make();
  for (let times = 0; times < 5; times++) note(`http://a.example/${times}`, refused);
  note("http://b.example/", refused);
  note("http://a.example/", { status: 404 });
  clock.advance(59_999);
  note("http://a.example/", { status: 404 });
  clock.advance(1);
  note("http://a.example/", refused);
  note("http://a.example/", { status: 404 });
  assert.deepEqual(said(), [
    ["http-no-answer", "http://a.example", refused.error, 0],
    ["http-no-answer", "http://b.example", refused.error, 0],
    ["http-no-result", "http://a.example", 404, 0],
    ["http-no-answer", "http://a.example", refused.error, 4],
    ["http-no-result", "http://a.example", 404, 1],
  ]);
});

test("neither login nor path nor query is said, also not in what a library says", () => {
  const { note, said } = make();
  note("https://user:secret@a.example:8443/secret?token=secret", {
    error: "no way through http://user:secret@proxy.example:3128/secret?secret#secret now",
  });
  assert.deepEqual(said(), [
    ["http-no-answer", "https://a.example:8443", "no way through http://proxy.example:3128 now", 0],
  ]);
});

test("a long text is cut, and of many servers the one that was said first is forgotten", () => {
  const { note, said } = make();
  note("http://first.example/", { error: "x".repeat(5000) });
  assert.equal(String(said()[0]?.[2]).length, 300);
  for (let server = 0; server < 1000; server++) note(`http://s${server}.example/`, refused);
  note("http://s999.example/", refused);
  assert.equal(said().length, 1001);
  note("http://first.example/", { error: "x".repeat(5000) });
  assert.equal(said().length, 1002);
});
