import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { makeHttpServer } from "#base/http-server.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { SuppressionPage } from "#contract/suppression-api.ts";
import { SuppressionConfig } from "#contract/suppression-config.ts";

import { Sharing } from "../suppression/sharing.ts";
import { SuppressionList } from "../suppression/suppression-list.ts";
import { addSuppressionRoutes } from "./suppression-routes.ts";

test("recipients are added, found, deleted, and what is wrong is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "suppressions-"));
  const clock = new ManualClock();
  const list = new SuppressionList({ folder, clock, log: silentLog });
  const server = makeHttpServer({ maxBodyBytes: 100_000 });
  const sharing = new Sharing({ list, keys: null, clock, log: silentLog });
  addSuppressionRoutes(server, { suppression: list, sharing });
  t.after(async () => {
    await server.close();
    list.close();
    rmSync(folder, { recursive: true });
  });
  const post = async (url: string, payload: object): Promise<[number, unknown]> => {
    const answer = await server.inject({ method: "POST", url, payload });
    return [answer.statusCode, answer.json()];
  };
  const add = { tenant: "acme", addresses: ["A@x.net", "b@x.net"] };
  const off = { code: "suppression-off", message: "the configuration has no suppression" };
  assert.deepEqual(await post("/v1/suppressions", add), [409, off]);
  list.configure(SuppressionConfig.parse({}));
  assert.equal((await post("/v1/suppressions", { addresses: ["no address"] }))[0], 400);
  assert.deepEqual(await post("/v1/suppressions", add), [200, { changed: 2 }]);
  const page = await server.inject({ method: "GET", url: "/v1/suppressions?tenant=acme&limit=1" });
  const { entries, next } = SuppressionPage.parse(page.json());
  assert.deepEqual([entries[0]?.address, entries[0]?.source, next], ["a@x.net", "api", "acme a@x.net"]);
  assert.deepEqual(await post("/v1/suppressions/delete", add), [200, { changed: 2 }]);
});

test("an engine without certificates can follow nobody and says so, and orders of another shape change nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "suppressions-"));
  const clock = new ManualClock();
  const list = new SuppressionList({ folder, clock, log: silentLog });
  const sharing = new Sharing({ list, keys: null, clock, log: silentLog });
  const server = makeHttpServer({ maxBodyBytes: 100_000 });
  addSuppressionRoutes(server, { suppression: list, sharing });
  t.after(async () => {
    await server.close();
    list.close();
    rmSync(folder, { recursive: true });
  });
  const put = async (payload: object): Promise<[number, string]> => {
    const answer = await server.inject({ method: "PUT", url: "/v1/suppressions/sources", payload });
    return [answer.statusCode, (answer.json() as { code?: string }).code ?? ""];
  };
  const peer = { name: "a", url: "https://10.0.0.1:1", servername: "x" };
  assert.deepEqual(await put({ peers: [peer] }), [409, "peer-keys-missing"]);
  assert.deepEqual((await put({ peers: [{ ...peer, url: "http://10.0.0.1:1" }] }))[0], 400);
  assert.deepEqual((await put({ peers: Array.from({ length: 33 }, () => peer) }))[0], 400);
  assert.deepEqual(await put({ peers: [] }), [200, ""]);
  const asked = await server.inject({ method: "GET", url: "/v1/suppressions/changes?after=-1" });
  assert.equal(asked.statusCode, 400);
});
