import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { makeHttpServer } from "#base/http-server.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { Spamhaus } from "../spamhaus/spamhaus.ts";
import { addSpamhausRoutes } from "./spamhaus-routes.ts";

let server: ReturnType<typeof makeHttpServer>;
beforeEach(() => {
  server = makeHttpServer({ maxBodyBytes: 100_000 });
  addSpamhausRoutes(server, new Spamhaus({ clock: new ManualClock(), log: silentLog }));
});
afterEach(() => server.close());

async function probe(spamhaus: object): Promise<string> {
  const answer = await server.inject({ method: "POST", url: "/v1/spamhaus/probe", payload: { spamhaus } });
  return `${answer.statusCode} ${answer.body}`;
}

test("a trial without a key says so for every list, and asks nobody", async () => {
  const answer = await probe({ keyfile: "/nowhere/key", lists: ["zen", "hbl"] });
  const results = ["zen", "hbl"].map((list) => ({ list, outcome: "no-key" }));
  assert.equal(answer, `200 ${JSON.stringify({ results })}`);
});

test("what is no configuration, or names servers that are none, is refused with its place", async () => {
  assert.match(await probe({ keyfile: "/k", lists: ["sbl"] }), /^400 .*spamhaus\.lists\.0/);
  assert.match(await probe({ keyfile: "/k", colour: "red" }), /^400 .*colour/);
  assert.match(await probe({ keyfile: "/k", resolvers: ["192.0.2.1:99999"] }), /^400 /);
});
