import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CachePage, RatePage } from "#contract/script-state-api.ts";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";

const script = `
function found($name) { return "found " . $name; }
function other($name) { return $name; }
$from = $arguments["address"]["localpart"];
cache ["ttl" => 600] found($from . "\\x1b");
cache ["ttl" => 600, "namespace" => "mine"] other($from);
rate("senders", $from, 10, 3600, ["cluster" => false]);
rate("all", "mail", 10, 3600, ["cluster" => false]);
Accept();`;

let engine: Engine;
before(async () => {
  engine = await startEngine({
    server: "127.0.0.1:1",
    appServer: { phases: { mailfrom: { hook: "counts" } } },
    app: { scripting: { hooks: { mailfrom: [{ id: "counts", data: script }] } } },
  });
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  for (const name of ["a", "b", "a"]) {
    assert.match(await client.ask(`MAIL FROM:<${name}@example.org>`), /^250/);
    await client.ask("RSET");
  }
  client.socket.destroy();
});
after(() => engine.stop());

async function caches(query = ""): Promise<CachePage> {
  return CachePage.parse((await engine.admin("GET", `/v1/scripts/caches?${query}`)).json);
}

async function rates(query = ""): Promise<RatePage> {
  return RatePage.parse((await engine.admin("GET", `/v1/scripts/rates?${query}`)).json);
}

test("what scripts remember is listed by page and by name, without control bytes", async () => {
  const { entries } = await caches("function=found");
  assert.deepEqual(
    entries.map(({ namespace, key }) => [namespace, key]),
    [
      ["found", String.raw`found([0=>"a\x1b"])`],
      ["found", String.raw`found([0=>"b\x1b"])`],
    ],
  );
  assert.ok(entries.every(({ secondsLeft }) => secondsLeft > 0 && secondsLeft <= 600));
  assert.equal((await caches("namespace=mine")).entries.length, 2);
  const first = await caches("limit=3");
  assert.equal(first.entries.length, 3);
  const second = await caches(`limit=3&after=${first.next}`);
  assert.deepEqual([second.entries.length, second.next], [1, null]);
});

test("counters are listed with what they count", async () => {
  const { entries } = await rates();
  assert.deepEqual(
    entries.map(({ namespace, entry, interval, count }) => [namespace, entry, interval, count]),
    [
      ["senders", "a", 3600, 2],
      ["all", "mail", 3600, 3],
      ["senders", "b", 3600, 1],
    ],
  );
  assert.equal((await rates("namespace=senders&entry=b")).entries[0]?.count, 1);
});

test("what is named is cleared and nothing else; an order that names nothing is refused", async () => {
  const clear = (what: string, body: object): ReturnType<Engine["admin"]> =>
    engine.admin("POST", `/v1/scripts/${what}/clear`, body);
  assert.equal((await clear("caches", {})).status, 400);
  assert.equal((await clear("rates", { address: "a" })).status, 400);
  assert.equal((await engine.admin("GET", "/v1/scripts/rates?limit=0")).status, 400);
  assert.deepEqual((await clear("caches", { function: "found" })).json, { changed: 2 });
  assert.deepEqual((await clear("caches", { function: "fou" })).json, { changed: 0 });
  assert.equal((await caches()).entries.length, 2);
  assert.deepEqual((await clear("rates", { entry: "a" })).json, { changed: 1 });
  assert.equal((await rates()).entries.length, 2);
  assert.deepEqual((await clear("rates", { all: true })).json, { changed: 2 });
  assert.deepEqual((await clear("caches", { all: true })).json, { changed: 2 });
  assert.deepEqual(await caches(), { entries: [], next: null });
});
