/** What scripts hear of DNS from real servers on loopback: those that they name, those that validate, and the rest. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { DnsServer, type DnsTable } from "../../testing/dns-server.ts";
import { FakeResolver } from "../../testing/fake-resolver.ts";
import { dnsPorts } from "../../testing/script-dns.ts";
import { linesOf } from "../../testing/script-lines.ts";
import { TrustedServers } from "../dns/validated-resolver.ts";

/** The engine's own resolver knows example.com as 192.0.2.1 and nothing else. */
const resolver = new FakeResolver({ "example.com": { a: ["192.0.2.1"] } });

async function serve(t: TestContext, table: DnsTable): Promise<DnsServer> {
  const server = await DnsServer.start(table);
  t.after(() => server.stop());
  return server;
}

function said(source: string, options: Partial<Parameters<typeof dnsPorts>[0]> = {}): Promise<string[]> {
  return linesOf(source, dnsPorts({ resolver, servers: () => [], ...options }));
}

const nameOf = (name: string): number[] => [
  ...name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]),
  0,
];
const wide = (number: number): number[] => [0, 0, 0, number];

test("servers that a script names answer for that question alone, with their word on DNSSEC", async (t) => {
  const server = await serve(t, {
    "example.com": {
      a: ["198.51.100.1"],
      mx: [
        [20, "b.example"],
        [10, "a.example"],
      ],
      txt: ["v=spf1 ip4:198.51.100.7 -all"],
      isAuthentic: true,
    },
    "www.example": { cname: "example.com", isAuthentic: true },
    "empty.example": {},
    "7.100.51.198.bl.example": { a: ["127.0.0.4"] },
  });
  assert.deepEqual(
    await said(`
      $own = ["servers" => ["${server.address}"]];
      echo dns_query("example.com", $own);
      echo dns_query("example.com", $own + ["type" => "mx", "extended_result" => true]);
      echo dns_query("example.com", $own + ["type" => "txt"])["result"];
      echo dns_query("www.example", $own)["result"];
      echo dns_query("empty.example", $own);
      echo dns_query("nothing.example", $own);
      echo dns_query(str_repeat("a", 64) . ".example", $own)["error"];
      echo dns_query("a\n.example", $own)["error"];
      echo dnsbl("198.51.100.7", "bl.example", $own["servers"]);
      echo spf_query("198.51.100.7", "h", "a@example.com", $own)["result"];
      echo spf_query("198.51.100.7", "h", "a@example.com")["result"];
      echo dns_query("example.com");
    `),
    [
      '["result"=>[0=>"198.51.100.1"],"dnssec"=>true]',
      '["result"=>[0=>["type"=>"MX","ttl"=>120,"data"=>"a.example","preference"=>10,"exchange"=>"a.example"],1=>["type"=>"MX","ttl"=>120,"data"=>"b.example","preference"=>20,"exchange"=>"b.example"]],"dnssec"=>true]',
      '[0=>"v=spf1 ip4:198.51.100.7 -all"]',
      '[0=>"198.51.100.1"]',
      '["error"=>"NO_DATA","dnssec"=>false]',
      '["error"=>"NXDOMAIN","dnssec"=>false]',
      "NXDOMAIN",
      "NXDOMAIN",
      '[0=>"127.0.0.4"]',
      "pass",
      "none",
      '["result"=>[0=>"192.0.2.1"],"dnssec"=>false]',
    ],
  );
});

test("types that the resolver does not know come with their fields and their time", async (t) => {
  const soa = [...nameOf("ns.example"), ...nameOf("host.example"), ...[7, 1, 2, 3, 4].flatMap(wide)];
  const server = await serve(t, {
    "example.com": {
      other: {
        6: [Buffer.from(soa)],
        33: [Buffer.from([0, 1, 0, 2, 0, 25, ...nameOf("mx.example")])],
        257: [Buffer.from([0, 5, ...Buffer.from("issueca.example")])],
      },
      tlsa: [Buffer.from([3, 1, 1, 0xab, 0xcd])],
    },
  });
  assert.deepEqual(
    await said(
      `foreach (["soa", "srv", "caa", "tlsa"] as $type) echo dns_query("example.com", ["type" => $type])["result"];
       echo dns_query("example.com", ["type" => "srv", "extended_result" => true])["result"][0];`,
      { servers: () => [server.address] },
    ),
    [
      '[0=>"ns.example host.example 7 1 2 3 4"]',
      '[0=>"1 2 25 mx.example"]',
      '[0=>"0 issue ca.example"]',
      '[0=>"3 1 1 abcd"]',
      '["type"=>"SRV","ttl"=>120,"data"=>"1 2 25 mx.example","priority"=>1,"weight"=>2,"port"=>25,"name"=>"mx.example"]',
    ],
  );
});

test("servers that are trusted to validate are asked where there are some", async (t) => {
  const server = await serve(t, {
    "signed.example": { a: ["192.0.2.5"], isAuthentic: true },
    "bogus.example": { code: 2 },
  });
  const trusted = new TrustedServers({ clock: systemClock, servers: [server.address], timeoutMs: 60_000 });
  assert.deepEqual(
    await said(
      `echo dns_query("signed.example"); echo dns_query("signed.example")["dnssec"]; echo dns_query("bogus.example");`,
      { validated: () => trusted },
    ),
    ['["result"=>[0=>"192.0.2.5"],"dnssec"=>true]', "true", '["error"=>"SERVFAIL","dnssec"=>false]'],
  );
  assert.deepEqual(server.asked, ["a signed.example", "a bogus.example"]);
});

test("a question ends with its time, asks the next server before, and not too many wait at once", async (t) => {
  const silent = await serve(t, { "example.com": { isSilent: true }, "a.example.com": { isSilent: true } });
  const good = await serve(t, { "example.com": { a: ["198.51.100.1"] } });
  const never = { a: () => new Promise<never>(() => undefined) };
  assert.deepEqual(
    await said(
      `echo dns_query("example.com", ["servers" => ["${silent.address}"], "timeout" => 0.05]);
       echo dns_query("example.com", ["servers" => ["${silent.address}", "${good.address}"], "timeout" => 8])["result"];
       echo dns_query("example.com", ["timeout" => 0.02])["error"];
       echo spf_query("192.0.2.1", "h", "a@example.com", ["servers" => ["${silent.address}"], "timeout" => 0.02])["result"];`,
      { resolver: Object.assign(Object.create(resolver), never) },
    ),
    ['["error"=>"TRY_AGAIN","dnssec"=>false]', '[0=>"198.51.100.1"]', "TRY_AGAIN", "temperror"],
  );
  assert.ok(silent.asked.filter((question) => question === "a example.com").length >= 2);
  const one = dnsPorts({ resolver, servers: () => [], mostPending: 1 }).dns;
  const wish = { servers: [good.address], timeoutMs: 60_000 };
  const answers = await Promise.all([
    one.query("example.com", "a", wish),
    one.query("example.com", "a", wish),
  ]);
  assert.deepEqual(answers[1], { error: "TRY_AGAIN", isAuthentic: false });
  assert.ok("records" in answers[0]);
  assert.ok("records" in (await one.query("example.com", "a", wish)), "the place is free again");
});

test("a key that DNS does not give in time leaves the signature undecided", async () => {
  const field = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=AAAA; b=AAAA";
  const never = { txt: () => new Promise<never>(() => undefined) };
  assert.deepEqual(
    await said(
      `$m = MailMessage::String("From: a@example.com\r\n\r\nx");
       $v = $m->verifyDKIM("${field}", ["timeout" => 0.02]);
       echo [$v["result"], $v["error"]];`,
      { resolver: Object.assign(Object.create(resolver), never) },
    ),
    ['[0=>"temperror",1=>"the key could not be looked up: TRY_AGAIN"]'],
  );
});

test("an address of a megabyte has no SPF, however often a record would repeat it", async () => {
  const zones = { "b.example": { txt: [`v=spf1 exists:${"%{S}".repeat(500)}.example.net -all`] } };
  const lines = await said(
    `$long = str_repeat("a", 1000000) . "@b.example";
    echo spf_query("192.0.2.1", "h", $long)["result"];
    echo spf_query("192.0.2.1", $long, "")["result"];
    echo spf_query("192.0.2.1", "h", "a@b.example")["result"];`,
    { resolver: new FakeResolver(zones) },
  );
  assert.deepEqual(lines, ["none", "none", "fail"]);
});
