import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { makeHttpServer } from "#base/http-server.ts";
import { ReactionConfig } from "#contract/reactions-config.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { readShare, sharePlace } from "../config/shares.ts";
import { RuleAdministration } from "../engine/rule-administration.ts";
import { addRuleRoutes } from "./rule-routes.ts";

let rig: ReturnType<typeof setUp>;
let folder: string;
let server: ReturnType<typeof makeHttpServer>;
beforeEach(() => {
  rig = setUp();
  folder = mkdtempSync(join(tmpdir(), "rules-"));
  server = makeHttpServer({ maxBodyBytes: 100_000 });
  addRuleRoutes(
    server,
    new RuleAdministration(rig.queue, {
      clock: rig.clock,
      place: sharePlace(folder, null),
      samplesOf: () => [],
    }),
  );
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

type Method = "GET" | "PUT" | "DELETE";

/** Answers are looked into without a type: what they hold is what the tests are about. */
// biome-ignore lint/suspicious/noExplicitAny: as said.
type Untyped = any; // oxlint-disable-line typescript/no-explicit-any

async function call(method: Method, url: string, payload?: object): Promise<[number, Untyped]> {
  const answer = await server.inject(payload === undefined ? { method, url } : { method, url, payload });
  return [answer.statusCode, answer.json()];
}

test("a policy is added, listed with its end, and deleted", async () => {
  const policy = { if: { recipientdomain: "a.net" }, fields: ["localip"], rate: "5/60", ttl: 60 };
  assert.deepEqual(await call("PUT", "/v1/policies/p%20x", policy), [200, { changed: 1 }]);
  const [, { policies }] = await call("GET", "/v1/policies");
  assert.deepEqual(policies[0].rate, { tokens: 5, seconds: 60, algorithm: "fixedwindow" });
  assert.deepEqual([policies[0].id, policies[0].if], ["p x", { recipientdomain: "a.net" }]);
  assert.equal(Date.parse(policies[0].endsAt), rig.clock.now() + 60_000);
  assert.deepEqual(await call("DELETE", "/v1/policies/p%20x"), [200, { changed: 1 }]);
  assert.equal((await call("DELETE", "/v1/policies/p%20x"))[0], 404);
});

test("a suspension holds mail, is the explanation, and is taken back", async () => {
  await call("PUT", "/v1/suspensions/s", { if: { recipientdomain: "a.net" }, tag: "blocked", ttl: 30 });
  const message = makeMessage({ recipients: ["u@a.net", "u@b.net"] });
  rig.queue.add(message);
  await settle();
  const [, one] = await call("GET", `/v1/queue/${message.id}/0/explain`);
  assert.equal(one.entries[0].reason, "it is due and a rule holds it back");
  const { kind, id, tag, until } = one.entries[0].obstacles[0];
  assert.deepEqual([kind, id, tag], ["suspension", "s", "blocked"]);
  assert.equal(Date.parse(until), rig.clock.now() + 30_000);
  assert.equal((await call("GET", `/v1/queue/${message.id}/explain`))[1].entries.length, 1);
  assert.equal((await call("GET", `/v1/queue/${message.id}/1/explain`))[0], 404);
  assert.equal((await call("GET", `/v1/queue/${message.id}/x/explain`))[0], 404);
  await call("DELETE", "/v1/suspensions/s");
  await settle();
  assert.equal(rig.queue.figures().total, 0);
});

test("orders of another shape are refused with a sentence", async () => {
  for (const [url, body] of [
    ["/v1/policies/p", { rate: "many" }],
    ["/v1/policies/p", { if: { domain: "a.net" } }],
    ["/v1/policies/%0a", {}],
    ["/v1/suspensions/s", { if: { jobid: "/(/" } }],
    ["/v1/shares", { shares: { n: 3, of: 2 } }],
    ["/v1/shares", { shares: { n: -1, of: 2 } }],
    ["/v1/shares", { shares: { n: 1, of: 0 } }],
    ["/v1/shares", { shares: { n: 1, of: 2 }, place: { index: 2, turn: null } }],
  ] as const) {
    const [status, { code, message }] = await call("PUT", url, body);
    assert.deepEqual([status, code], [400, "bad-request"], url);
    assert.ok(message.length > 5);
  }
});

test("a share divides limits of the cluster and is remembered", async () => {
  const whole = { shares: { n: 1, of: 1 }, version: 0 };
  assert.deepEqual(await call("GET", "/v1/shares"), [200, { ...whole, held: 1, isStarved: false }]);
  const shares = { shares: { n: 1, of: 4 } };
  const state = { ...shares, version: 1, held: 0.25, isStarved: false };
  assert.deepEqual(await call("PUT", "/v1/shares", shares), [200, state]);
  assert.equal(rig.queue.rulebook.factor, 0.25);
  assert.deepEqual(await readShare(sharePlace(folder, null)), { ...shares, version: 1 });
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "in the way");
  assert.equal((await call("PUT", "/v1/shares", { shares: { n: 1, of: 2 } }))[0], 503);
  assert.equal(rig.queue.rulebook.factor, 0.25);
});

test("an order for another share that comes after a later one changes nothing", async () => {
  const order = (of: number, after: number): object => ({ shares: { n: 1, of }, after });
  assert.equal((await call("PUT", "/v1/shares", order(3, 0)))[0], 200);
  const late = await call("PUT", "/v1/shares", order(2, 0));
  assert.deepEqual(late, [409, { shares: { n: 1, of: 3 }, version: 1, held: 1 / 3, isStarved: false }]);
  const both = await Promise.all([5, 6].map((of) => call("PUT", "/v1/shares", order(of, 1))));
  assert.deepEqual(
    both.map(([status]) => status),
    [200, 409],
  );
});

test("without a share nothing under a limit of the cluster is tried, and the explanation says so", async () => {
  await call("PUT", "/v1/policies/p", { concurrency: 4, cluster: true });
  await call("PUT", "/v1/shares", { shares: { n: 0, of: 1 } });
  const message = makeMessage({ recipients: ["u@a.net"] });
  rig.queue.add(message);
  await settle();
  const [, { entries }] = await call("GET", `/v1/queue/${message.id}/explain`);
  assert.match(entries[0].obstacles[0].detail, /no share in the limits of its cluster yet/);
  await call("PUT", "/v1/shares", { shares: { n: 1, of: 2 } });
  await settle();
  assert.equal(rig.queue.figures().total, 0);
});

test("a limit smaller than the number of engines is tried by whose turn it is, and the explanation says so", async () => {
  await call("PUT", "/v1/policies/p", { concurrency: 1, cluster: true });
  const order = (turn: number | null): object => ({ shares: { n: 1, of: 2 }, place: { index: 0, turn } });
  await call("PUT", "/v1/shares", order(null));
  const message = makeMessage({ recipients: ["u@a.net"] });
  rig.queue.add(message);
  await settle();
  const [, { entries }] = await call("GET", `/v1/queue/${message.id}/explain`);
  assert.match(entries[0].obstacles[0].detail, /it is the turn of others/);
  assert.equal((await call("GET", "/v1/shares"))[1].isStarved, true);
  assert.equal(rig.courier.attempts.length, 0);
  for (const turn of [0, 1]) {
    await call("PUT", "/v1/shares", order(turn));
    await settle();
  }
  assert.equal(rig.courier.attempts.length, 1);
  assert.equal((await call("GET", "/v1/shares"))[1].isStarved, false);
});

test("what began under a larger share is held until it has ended", async () => {
  rig.courier.hold();
  await call("PUT", "/v1/policies/p", { concurrency: 4, cluster: true });
  for (const name of ["a", "b", "c"]) rig.queue.add(makeMessage({ recipients: [`u@${name}.net`] }));
  await settle();
  const smaller = await call("PUT", "/v1/shares", { shares: { n: 1, of: 2 } });
  assert.equal(smaller[1].held, 0.75);
  rig.courier.release();
  await settle();
  assert.equal((await call("GET", "/v1/shares"))[1].held, 0.5);
});

test("a quota is added, listed with what it holds, and deleted", async () => {
  assert.equal((await call("PUT", "/v1/quotas/q", { fields: ["weather"], recipients: 1 }))[0], 400);
  const quota = { fields: ["recipientdomain"], recipients: 3, ttl: 60 };
  assert.deepEqual(await call("PUT", "/v1/quotas/q", quota), [200, { changed: 1 }]);
  rig.courier.hold();
  rig.queue.add(makeMessage({ recipients: ["u@a.net", "v@a.net"] }));
  const [, { quotas }] = await call("GET", "/v1/quotas");
  assert.deepEqual(quotas[0].counts, [{ values: ["a.net"], used: 2, limit: 3 }]);
  assert.equal(Date.parse(quotas[0].endsAt), rig.clock.now() + 60_000);
  assert.deepEqual(await call("DELETE", "/v1/quotas/q"), [200, { changed: 1 }]);
  assert.equal((await call("DELETE", "/v1/quotas/q"))[0], 404);
});

test("a reaction is set by hand, shown with what it holds back, and cleared", async () => {
  rig.queue.reactions.configure(
    [
      ReactionConfig.parse({
        id: "r",
        when: { class: ["spam"] },
        per: ["recipientdomain"],
        action: { suspend: true },
      }),
    ],
    () => "spam",
  );
  assert.equal((await call("PUT", "/v1/reactions/r", { facts: { colour: "x" } }))[0], 400);
  assert.equal((await call("PUT", "/v1/reactions/r", { facts: { jobid: "x" } }))[0], 404);
  assert.equal(
    (await call("PUT", "/v1/reactions/r", { facts: { recipientdomain: "a.net" }, ttl: 60 }))[0],
    200,
  );
  const [, { reactions }] = await call("GET", "/v1/reactions");
  const [{ active, count }] = reactions;
  assert.deepEqual([count, active[0].if], [1, { recipientdomain: "a.net" }]);
  assert.equal(Date.parse(active[0].endsAt), rig.clock.now() + 60_000);
  assert.deepEqual(await call("DELETE", "/v1/reactions/r"), [200, { changed: 1 }]);
  assert.equal((await call("DELETE", "/v1/reactions/r"))[0], 404);
});
