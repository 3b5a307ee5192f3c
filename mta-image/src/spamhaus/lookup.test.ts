import assert from "node:assert/strict";
import { type TestContext, after, before, beforeEach, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import type { SpamhausList } from "#contract/spamhaus-config.ts";

import { MisbehavingDns } from "../../testing/misbehaving-dns.ts";
import { type Rbldnsd, hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";
import { SystemResolver } from "../dns/system-resolver.ts";
import { type SpamhausCounters, makeSpamhausCounters } from "./counters.ts";
import type { Finding } from "./judge.ts";
import { type AskAddress, Lookup, type LookupSettings } from "./lookup.ts";
import { addressLabel } from "./names.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const REFUSED = "zyxwvutsrqponmlkjihgfedcba";

const base = { key: KEY, zone: "dq.spamhaus.net", timeoutMs: 60_000, cacheSize: 100, negativeMs: 10_000 };

/** Servers that answer get the time that a slow machine needs; one that is silent, or one of two, `timeoutMs`. */
function resolverAt(servers: readonly string[], timeoutMs = 30_000): AskAddress {
  const resolver = new SystemResolver({ servers, timeoutMs, tries: 2 });
  return (name) => resolver.a(name);
}

function makeLookup(
  settings: LookupSettings,
  clock = systemClock,
): { lookup: Lookup; counters: SpamhausCounters } {
  const counters = makeSpamhausCounters();
  return { lookup: new Lookup({ clock, settings: () => settings, counters, note: () => {} }), counters };
}

function inWords(finding: Finding): string {
  if (finding.kind === "listed") return finding.listings.map(({ code }) => code).join(" ");
  return finding.kind === "error" ? finding.reason : "clear";
}

describe("lists over real DNS", { skip: hasRbldnsd() ? false : "rbldnsd is not installed" }, () => {
  let daemon: Rbldnsd;
  before(async () => {
    daemon = await startRbldnsd([KEY], [REFUSED]);
  });
  after(() => daemon.stop());

  const asked: readonly (readonly [SpamhausList, string, string])[] = [
    ["zen", "2.0.0.127", "127.0.0.2 127.0.0.4 127.0.0.10"],
    ["zen", "1.0.0.127", "clear"],
    ["zen", addressLabel("198.51.100.9") ?? "", "127.0.0.3 127.0.0.9"],
    ["zen", addressLabel("198.51.100.7") ?? "", "clear"],
    ["zen", addressLabel("::ffff:198.51.100.4") ?? "", "127.0.0.3 127.0.0.4"],
    ["zen", addressLabel("2001:db8:1::45") ?? "", "127.0.0.3"],
    ["zen", addressLabel("2001:db8:2::45") ?? "", "clear"],
    ["authbl", "2.0.0.127", "127.0.0.20"],
    ["dbl", "dbltest.com", "127.0.1.2"],
    ["dbl", "www.bad.example", "127.0.1.2"],
    ["dbl", "abused.example", "127.0.1.102"],
    ["dbl", "good.example", "clear"],
    ["zrd", "test", "127.0.2.2"],
    ["zrd", "newish.example", "127.0.2.20"],
    ["hbl", "TV7QRQPGBKF4X3K4T5QYILRI3SP5CIWVIIOH25YUOGVOJ3SBTYNA._cw", "127.0.3.20"],
    ["hbl", "F3PDGTMWU6LFIGDJC67YNIWRY5ZRM7ERLETNFO36QAEQPMBPW2DA._email", "127.0.3.2"],
    ["hbl", "ebcb8a93f4d4c80a83f7fc886fd2de97f0de4814._email", "127.0.3.2"],
    ["hbl", "E5NAEG57WZEJ4VGUOGEZ67NZ2FTD7RUV5QX6FIWEKOFKX5SR7UHQ._file", "127.0.3.10"],
    ["hbl", "jrbrnountqwklokrddx5dc65yhffj4zlj5exp7d6twhjtdr23psa._url", "127.0.3.30"],
  ];

  test("every list answers with its codes, all questions at once", async () => {
    const { lookup, counters } = makeLookup({ ...base, ask: resolverAt([daemon.server]) });
    const findings = await lookup.askAll(asked.map(([list, label]) => ({ list, label })));
    assert.deepEqual(
      findings.map((finding, i) => [asked[i]?.[1], inWords(finding)]),
      asked.map(([, label, wanted]) => [label, wanted]),
    );
    assert.equal(counters.queries.zen, 7);
    assert.equal(counters.hits.get("hbl 127.0.3.2"), 2);
    assert.equal(counters.cacheHits, 0);
    await lookup.askAll(asked.map(([list, label]) => ({ list, label })));
    assert.equal(counters.queries.zen, 7);
    assert.equal(counters.cacheHits, asked.length);
  });

  test("a refused key is trouble of ours for every list, and counted", async () => {
    const { lookup, counters } = makeLookup({ ...base, key: REFUSED, ask: resolverAt([daemon.server]) });
    const findings = await lookup.askAll(asked.slice(0, 4).map(([list, label]) => ({ list, label })));
    assert.deepEqual(new Set(findings.map(inWords)), new Set(["key-refused"]));
    assert.equal(counters.errors["key-refused"], 4);
  });
});

describe("answers that are of no help", () => {
  let dns: MisbehavingDns;
  before(async () => {
    dns = await MisbehavingDns.start();
  });
  after(() => dns.stop());
  beforeEach(() => {
    dns.asked.length = 0;
    dns.tcpQuestions = 0;
  });

  const ask = async (settings: Partial<LookupSettings> = {}): Promise<string> => {
    const { lookup } = makeLookup({ ...base, ask: resolverAt([dns.server]), ...settings });
    return inWords(await lookup.ask({ list: "dbl", label: "x.example" }));
  };

  for (const [kind, wanted] of [
    ["server-failure", "server-failure"],
    ["refused", "server-failure"],
    ["no-domain", "clear"],
    ["silence", "timeout"],
  ] as const) {
    test(`${kind} is ${wanted}`, async () => {
      dns.answer = () => ({ kind });
      const isSilent = kind === "silence";
      assert.equal(await ask(isSilent ? { ask: resolverAt([dns.server], 300) } : {}), wanted);
    });
  }

  test("garbage is an error and never a listing", async () => {
    dns.answer = () => ({ kind: "garbage" });
    assert.match(await ask({ ask: resolverAt([dns.server], 300) }), /^(server-failure|timeout)$/);
  });

  test("a truncated answer is asked again over TCP", async () => {
    dns.answer = () => ({ kind: "truncated", addresses: ["127.0.1.4", "127.0.1.5"] });
    assert.equal(await ask(), "127.0.1.4 127.0.1.5");
    assert.equal(dns.tcpQuestions, 1);
  });

  test("a slow resolver costs the deadline, not more", async () => {
    dns.answer = () => ({ kind: "silence" });
    assert.equal(await ask({ timeoutMs: 20 }), "timeout");
  });

  test("a second resolver answers when the first is silent", async (t: TestContext) => {
    const other = await MisbehavingDns.start();
    t.after(() => other.stop());
    dns.answer = () => ({ kind: "silence" });
    other.answer = () => ({ kind: "addresses", addresses: ["127.0.1.2"] });
    assert.equal(await ask({ ask: resolverAt([dns.server, other.server], 300) }), "127.0.1.2");
  });

  test("names are absolute and asked once, whoever wants them", async () => {
    dns.answer = () => ({ kind: "no-domain" });
    const { lookup } = makeLookup({ ...base, ask: resolverAt([dns.server]) });
    await lookup.askAll([1, 2, 3].map(() => ({ list: "dbl" as const, label: "x.example" })));
    assert.deepEqual(dns.asked, [`x.example.${KEY}.dbl.dq.spamhaus.net`]);
  });

  test("without a key nothing is asked", async () => {
    assert.equal(await ask({ key: null }), "no-key");
    assert.deepEqual(dns.asked, []);
  });
});

describe("the cache and the pause", () => {
  const listed = { kind: "found", records: ["127.0.1.2"], ttlMs: 60_000 } as const;

  test("answers live as long as they say, clear ones as long as we say, errors not at all", async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    const ask: AskAddress = async (name) => {
      asked.push(name.split(".")[0] ?? "");
      if (name.startsWith("bad")) return listed;
      return name.startsWith("good") ? { kind: "no-domain" } : { kind: "failed", reason: "ESERVFAIL" };
    };
    const { lookup } = makeLookup({ ...base, ask }, clock);
    const askAll = (): Promise<Finding[]> =>
      lookup.askAll(["bad.a", "good.a", "ill.a"].map((label) => ({ list: "dbl", label })));
    await askAll();
    await askAll();
    assert.deepEqual(asked, ["bad", "good", "ill", "ill"]);
    clock.advance(10_001);
    await askAll();
    assert.deepEqual(asked.slice(4), ["good", "ill"]);
    clock.advance(50_000);
    await askAll();
    assert.deepEqual(asked.slice(6), ["bad", "good", "ill"]);
  });

  test("the cache is bounded and forgets what was not used for longest", async () => {
    let asked = 0;
    const ask: AskAddress = async () => {
      asked++;
      return listed;
    };
    const clock = new ManualClock();
    const { lookup, counters } = makeLookup({ ...base, cacheSize: 2, ask }, clock);
    for (const label of ["a.a", "b.a", "a.a", "c.a", "a.a", "b.a"]) {
      await lookup.ask({ list: "dbl", label });
      clock.advance(1000);
    }
    assert.equal(asked, 4);
    assert.equal(counters.cacheSize, 2);
  });

  test("a resolver that is away is not asked for a while, and then tried again", async () => {
    const clock = new ManualClock();
    let isAway = true;
    let asked = 0;
    const ask: AskAddress = async () => {
      asked++;
      return isAway ? { kind: "failed", reason: "ETIMEOUT" } : listed;
    };
    const { lookup, counters } = makeLookup({ ...base, ask }, clock);
    for (let i = 0; i < 20; i++) await lookup.ask({ list: "dbl", label: `x${i}.a` });
    assert.equal(asked, 8);
    assert.equal(counters.errors.paused, 12);
    clock.advance(10_000);
    await lookup.ask({ list: "dbl", label: "y.a" });
    assert.equal(inWords(await lookup.ask({ list: "dbl", label: "z.a" })), "paused");
    isAway = false;
    clock.advance(10_000);
    assert.equal(inWords(await lookup.ask({ list: "dbl", label: "z.a" })), "127.0.1.2");
  });
});
