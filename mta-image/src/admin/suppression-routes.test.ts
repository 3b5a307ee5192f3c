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

import { SuppressionList } from "../suppression/suppression-list.ts";
import { addSuppressionRoutes } from "./suppression-routes.ts";

test("recipients are added, found, deleted, and what is wrong is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "suppressions-"));
  const list = new SuppressionList({ folder, clock: new ManualClock(), log: silentLog });
  const server = makeHttpServer({ maxBodyBytes: 100_000 });
  addSuppressionRoutes(server, list);
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
