import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { DnsServer } from "../../testing/dns-server.ts";
import { CachingResolver } from "./resolver.ts";
import { SystemResolver } from "./system-resolver.ts";

let server: DnsServer;
let resolver: SystemResolver;

before(async () => {
  server = await DnsServer.start({
    "example.net": { mx: [[10, "mx.example.net"]], a: ["192.0.2.1", "192.0.2.2"] },
    "mx.example.net": { aaaa: [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]] },
    "null.example": { mx: [[0, ""]] },
    "empty.example": {},
    "broken.example": { code: 2 },
    "refused.example": { code: 5 },
    "silent.example": { isSilent: true },
    "crowded.example": { a: ["192.0.2.3"], beside: { "bank.example": "198.51.100.66" } },
    "bank.example": { a: ["192.0.2.4"] },
    "brief.example": { a: ["192.0.2.5"], ttl: 0 },
  });
  resolver = new SystemResolver({ servers: [server.address], timeoutMs: 60_000, tries: 1 });
});
after(() => server.stop());

test("mail exchangers come with preference and name, without a final dot", async () => {
  const answer = await resolver.mx("example.net");
  assert.equal(answer.kind, "found");
  assert.deepEqual(answer.kind === "found" && answer.records, [
    { preference: 10, exchange: "mx.example.net" },
  ]);
});

test("addresses come with the least of their times to live", async () => {
  const four = await resolver.a("example.net");
  assert.deepEqual(four, { kind: "found", records: ["192.0.2.1", "192.0.2.2"], ttlMs: 120_000 });
  const six = await resolver.aaaa("mx.example.net");
  assert.deepEqual(six, { kind: "found", records: ["2001:db8::1"], ttlMs: 120_000 });
});

test("a null MX is a record with an empty name", async () => {
  const answer = await resolver.mx("null.example");
  assert.deepEqual(answer.kind === "found" && answer.records, [{ preference: 0, exchange: "" }]);
});

test("a name that is not there, and one without the record, are told apart", async () => {
  assert.deepEqual(await resolver.mx("nowhere.example"), { kind: "no-domain" });
  assert.deepEqual(await resolver.mx("empty.example"), { kind: "none" });
  assert.deepEqual(await resolver.a("nowhere.example"), { kind: "no-domain" });
  assert.deepEqual(await resolver.a("empty.example"), { kind: "none" });
});

test("trouble of servers is trouble that may pass, never a fact about the name", async () => {
  const hasty = new SystemResolver({ servers: [server.address], timeoutMs: 100, tries: 1 });
  for (const [name, who] of [
    ["broken.example", resolver],
    ["refused.example", resolver],
    ["silent.example", hasty],
  ] as const) {
    assert.equal((await who.mx(name)).kind, "failed", name);
    assert.equal((await who.a(name)).kind, "failed", name);
  }
});

test("a name that cannot be one does not exist", async () => {
  for (const name of ["a..b", "x".repeat(64), `${"abcdefgh.".repeat(40)}net`]) {
    assert.deepEqual(await resolver.mx(name), { kind: "no-domain" }, name);
  }
});

test("names are asked as they are, without a search list, and localhost is not asked at all", async () => {
  server.asked.length = 0;
  await resolver.mx("single");
  assert.deepEqual((await resolver.a("localhost")).kind, "found");
  assert.deepEqual(server.asked, ["mx single"]);
});

test("what stands in an answer about other names is kept for none of them, and what has no time to live is asked anew", async () => {
  const caching = new CachingResolver(resolver, { clock: new ManualClock(), maxEntries: 10 });
  const addressesOf = async (name: string): Promise<readonly string[]> => {
    const answer = await caching.a(name);
    return answer.kind === "found" ? answer.records : [];
  };
  // The library may take the other address for one of this name too, which whoever answers might say as well.
  assert.ok((await addressesOf("crowded.example")).includes("192.0.2.3"));
  assert.deepEqual(await addressesOf("bank.example"), ["192.0.2.4"]);
  const before = server.asked.length;
  for (let n = 0; n < 3; n++) assert.deepEqual(await addressesOf("brief.example"), ["192.0.2.5"]);
  assert.deepEqual(server.asked.slice(before), Array(3).fill("a brief.example"));
});
