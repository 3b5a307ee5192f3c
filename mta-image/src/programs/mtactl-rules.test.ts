import assert from "node:assert/strict";
import { test } from "node:test";

import { ruleCall } from "./mtactl-rules.ts";

/** Short form: "METHOD path body". */
function called(words: string): string | null {
  const call = ruleCall(words.split(" "));
  if (call === null) return null;
  return [call.method, call.path, call.body === undefined ? "" : JSON.stringify(call.body)].join(" ").trim();
}

test("commands about rules become calls of the admin API", () => {
  const table: [string, string | null][] = [
    ["queue explain 01ABC/3", "GET /v1/queue/01ABC/3/explain"],
    ["queue explain 01ABC/../x", "GET /v1/queue/01ABC/../x/explain"],
    ["queue list", null],
    ["policy list", "GET /v1/policies"],
    [
      "policy add p recipientdomain=a.net fields=localip,grouping rate=10/60 concurrency=5 ttl=60 stop=true",
      'PUT /v1/policies/p {"if":{"recipientdomain":"a.net"},"fields":["localip","grouping"],"rate":"10/60","concurrency":5,"ttl":60,"stop":true}',
    ],
    ["policy add p domain=a.net", null],
    ["policy add p word", null],
    ["policy add", null],
    ["policy delete a/b", "DELETE /v1/policies/a%2Fb"],
    ["suspension add s tag=x", 'PUT /v1/suspensions/s {"if":{},"tag":"x"}'],
    ["suspension list", "GET /v1/suspensions"],
    ["shares", "GET /v1/shares"],
    ["shares 1 4", 'PUT /v1/shares {"shares":{"n":1,"of":4}}'],
    ["shares 1", null],
  ];
  for (const [words, expected] of table) assert.equal(called(words), expected, words);
});

test("all limits of a policy are shown, and none that it does not have", () => {
  const nothing = {
    concurrency: null,
    rate: null,
    connectinterval: 0,
    tag: null,
    stop: false,
    cluster: false,
  };
  const about = { type: "dynamic", origin: "api", fields: ["localip"], if: { jobid: "j" }, endsAt: null };
  const rate = { tokens: 10, seconds: 60, algorithm: "fixedwindow" };
  const limits = { concurrency: 5, rate, connectinterval: 120, tag: "t", stop: true, cluster: true };
  const policies = [
    { id: "p", ...about, ...limits },
    { id: "q", ...about, ...nothing },
  ];
  const start = (id: string): string => `${id}  dynamic  api  fields localip  if {"jobid":"j"}`;
  assert.equal(
    ruleCall(["policy", "list"])?.show({ policies }),
    `${start("p")}  concurrency 5  rate 10/60  connectinterval 120  stop  cluster  t\n${start("q")}\n`,
  );
});

test("an explanation says what is waited for, and how many notices of delay were due", () => {
  const at = "2026-11-28T01:00:00.000Z";
  const place = { kind: "connection", id: "", tag: null, source: "", detail: "no place", until: null };
  const entry = { id: "01ABC/0", recipient: "a@b.example", reason: "it waits", attempts: 2, dueAt: at };
  const show = ruleCall(["queue", "explain", "01ABC"])?.show;
  assert.equal(
    show?.({ entries: [{ ...entry, lastReply: "450 later", delayNotices: 1, obstacles: [place] }] }),
    `01ABC/0  a@b.example: it waits; due ${at}, 2 attempts before, notices of delay: 1\n` +
      "  last reply: 450 later\n  connection no place\n",
  );
  assert.equal(
    show?.({ entries: [{ ...entry, lastReply: "", obstacles: [] }] }),
    `01ABC/0  a@b.example: it waits; due ${at}, 2 attempts before\n`,
    "of an engine that does not say",
  );
});
