import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import type { EngineStatus } from "#contract/admin-api.ts";
import type { AdminMaterial } from "#operator/desired/admin-secret.ts";

import { FakeEngine, settledStatus } from "../../testing/fake-engine.ts";
import { renewed } from "./authority.ts";
import { EngineClient } from "./client.ts";
import type { EngineAddress, Engines } from "./engines.ts";
import { newsOf } from "./news.ts";
import { EngineReports } from "./reports.ts";

const serverName = "out-pods.mail.svc";
const DAY = 86_400_000;

/** What reports never ask for. */
const notUsed = () => Promise.reject(new Error("not used"));
const unused = {
  push: notUsed,
  drain: notUsed,
  spread: notUsed,
  share: notUsed,
  follow: notUsed,
  probe: notUsed,
  close: async () => {},
};

describe("the keys of a cluster", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  test("stay the same object until two thirds of their life are over, then overlap with the new ones", async () => {
    const first = await renewed(null, { serverName, now });
    assert.equal(await renewed(first, { serverName, now: now + 240 * DAY }), first);
    const second = await renewed(first, { serverName, now: now + 250 * DAY });
    assert.notEqual(second.cert, first.cert);
    assert.equal(second.token, first.token);
    assert.equal(second.ca.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.ok(second.ca.includes(first.ca.trim()));
  });

  test("are good for the name of the pods and for no other", async () => {
    const keys = await renewed(null, { serverName, now });
    const certificate = new X509Certificate(keys.cert);
    assert.equal(certificate.checkHost(serverName), serverName);
    assert.equal(certificate.checkHost("other-pods.mail.svc"), undefined);
    assert.ok(certificate.checkIssued(new X509Certificate(keys.ca)));
    // serverAuth and clientAuth: engines show it to each other when they hand over mail.
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    const renamed = await renewed(keys, { serverName: "other-pods.mail.svc", now });
    assert.notEqual(renamed.cert, keys.cert);
  });

  test("that cannot be read are made anew", async () => {
    const broken: AdminMaterial = { token: "t", ca: "x", cert: "-----BEGIN", key: "z" };
    const keys = await renewed(broken, { serverName, now });
    assert.equal(new X509Certificate(keys.cert).checkHost(serverName), serverName);
  });
});

describe("the engine client", () => {
  let keys: AdminMaterial;
  let engine: FakeEngine;
  let client: EngineClient;
  /** For engines that do not answer at all. */
  let hasty: EngineClient;
  let address: EngineAddress;

  before(async () => {
    keys = await renewed(null, { serverName, now: Date.now() });
    engine = await FakeEngine.start({ host: "127.0.0.1", port: 0, ...keys });
    client = new EngineClient({ clock: systemClock, port: engine.port, deadlineMs: 60_000 });
    hasty = new EngineClient({ clock: systemClock, port: engine.port, deadlineMs: 500 });
    address = { ip: "127.0.0.1", serverName, caCertificates: keys.ca, token: keys.token };
  });
  after(async () => {
    await Promise.all([client.close(), hasty.close()]);
    await engine.close();
  });

  const failsWith = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

  test("reads the status, pushes a configuration, cordons", async () => {
    assert.deepEqual(await client.status(address), settledStatus);
    const push = { revision: "r1", files: { "smtpd-app.yaml": "servers: []" } };
    assert.deepEqual(await client.push(address, push), { kind: "taken", revision: "r1" });
    assert.equal((await client.drain(address, { mode: "Cordon" })).state, "Cordoned");
    assert.deepEqual(engine.drains, ["Cordon"]);
  });

  test("tells an engine to spread its mail; one that cannot, or leaves, is none that failed", async () => {
    const peer = { name: "out-1", url: "https://10.0.0.2:9443", servername: serverName, recipients: 5 };
    assert.equal(await client.spread(address, { peers: [peer] }), null);
    engine.spreads = [];
    engine.status = { ...engine.status, state: "Serving" };
    assert.equal((await client.spread(address, { peers: [peer] }))?.state, "Serving");
    assert.deepEqual(engine.spreads, [{ peers: [peer] }]);
    engine.status = { ...engine.status, state: "Cordoned" };
    assert.equal(await client.spread(address, { peers: [peer] }), null);
  });

  test("hands on the problems of a configuration that is refused", async () => {
    engine.problems = [{ file: "smtpd-app.yaml", path: "servers[0]", reason: "bad" }];
    const outcome = await client.push(address, { revision: "r2", files: {} });
    assert.deepEqual(outcome, { kind: "refused", problems: engine.problems });
    engine.problems = [];
  });

  test("tells an engine its share, and learns of one that knows none", async () => {
    const shares = { shares: { n: 1, of: 3 } };
    const order = { ...shares, after: 4 };
    engine.status = { ...engine.status, share: { ...shares, version: 4, held: 1 / 3 } };
    assert.deepEqual(await client.share(address, order), { ...shares, version: 5, held: 1 / 3 });
    assert.equal(await client.share(address, order), null);
    engine.status = settledStatus;
    assert.equal(await client.share(address, shares), "taken");
    assert.deepEqual(engine.shares, [shares, shares]);
    engine.knowsShares = false;
    assert.equal(await client.share(address, shares), "unknown");
    engine.mood = "nonsense";
    await assert.rejects(client.share(address, shares), failsWith("engine-broken"));
    engine.mood = "well";
    engine.knowsShares = true;
  });

  test("tells an engine whose suppression list to fetch; one without a list, or of an early version, is none that failed", async () => {
    const peer = { name: "out-1", url: "https://10.0.0.2:9443", servername: serverName };
    assert.equal(await client.follow(address, { peers: [peer] }), null);
    engine.status = { ...engine.status, suppression: null };
    assert.equal(await client.follow(address, { peers: [peer] }), null);
    engine.status = { ...engine.status, suppression: { sources: [], unshared: true, size: 1 } };
    const sources = ["out-1 https://10.0.0.2:9443"];
    assert.deepEqual(await client.follow(address, { peers: [peer] }), { sources, unshared: true, size: 1 });
  });

  test("lets an engine try a key out, and learns of one that cannot", async () => {
    const order = { spamhaus: { keyfile: "/run/key", lists: ["zen" as const] } };
    assert.equal(await client.probe(address, order), null);
    engine.probeResult = { results: [{ list: "zen", outcome: "key-refused" }] };
    assert.deepEqual(await client.probe(address, order), engine.probeResult);
    engine.mood = "nonsense";
    await assert.rejects(client.probe(address, order), failsWith("engine-broken"));
    engine.mood = "well";
  });

  test("does not talk to an engine with another authority or another name", async () => {
    const other = await renewed(null, { serverName, now: Date.now() });
    const wrong = { ...address, caCertificates: other.ca };
    await assert.rejects(client.status(wrong), failsWith("engine-unreachable"));
    const misnamed = { ...address, serverName: "other-pods.mail.svc" };
    await assert.rejects(client.status(misnamed), failsWith("engine-unreachable"));
    await assert.rejects(client.status({ ...address, token: "x" }), failsWith("engine-denied"));
  });

  for (const [mood, code] of [
    ["silent", "engine-unreachable"],
    ["nonsense", "engine-broken"],
    ["huge", "engine-broken"],
  ] as const) {
    test(`an engine that is ${mood} is ${code}`, async () => {
      engine.mood = mood;
      await assert.rejects((mood === "silent" ? hasty : client).status(address), failsWith(code));
      engine.mood = "well";
    });
  }
});

describe("reports", () => {
  const cluster = { namespace: "mail", name: "out" };
  const target = (uid: string) => ({
    uid,
    pod: uid,
    address: { ip: uid, serverName, caCertificates: "", token: "" },
  });

  function setUp() {
    const clock = new ManualClock();
    const says = new Map<string, EngineStatus | null>();
    const asked: string[] = [];
    const news: string[] = [];
    const engines: Engines = {
      async status({ ip }) {
        asked.push(ip);
        const status = says.get(ip);
        if (status == null) throw new Failure("engine-unreachable", ip);
        return status;
      },
      ...unused,
    };
    const reports = new EngineReports({
      engines,
      clock,
      random: () => 0.5,
      log: silentLog,
      onNews: (key) => news.push(key.name),
      paces: { lively: 1000, scaling: 5000, settled: 10_000 },
      unknownAfterMs: 15_000,
    });
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 500) {
        clock.advance(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { clock, says, asked, news, reports, pass };
  }

  test("know a pod once it has answered and say unknown when it stays silent too long", async () => {
    const { says, news, reports, pass } = setUp();
    says.set("a", settledStatus);
    await reports.follow(cluster, [target("a"), target("b")]);
    assert.deepEqual([...reports.recent(cluster).keys()], ["a"]);
    says.set("a", null);
    await pass(14_000);
    assert.deepEqual([...reports.recent(cluster).keys()], ["a"]);
    await pass(3000);
    assert.deepEqual([...reports.recent(cluster).keys()], []);
    assert.ok(news.length >= 1);
  });

  test("tell news once, and nothing while nothing changes", async () => {
    const { says, news, reports, pass } = setUp();
    says.set("a", settledStatus);
    await reports.follow(cluster, [target("a")]);
    await pass(2000);
    news.length = 0;
    await pass(5000);
    assert.deepEqual(news, []);
    says.set("a", { ...settledStatus, queue: { ...settledStatus.queue, total: 1 } });
    await pass(5000);
    assert.deepEqual(news, ["out"]);
  });

  test("ask less often when the cluster has settled, and nobody who has gone", async () => {
    const { says, asked, reports, pass } = setUp();
    says.set("a", settledStatus);
    await reports.follow(cluster, [target("a")]);
    reports.setPace(cluster, "settled");
    asked.length = 0;
    await pass(30_000);
    assert.equal(asked.length, 3);
    reports.setPace(cluster, "scaling");
    asked.length = 0;
    await pass(30_000);
    assert.equal(asked.length, 6);
    await reports.follow(cluster, []);
    asked.length = 0;
    await pass(30_000);
    assert.deepEqual(asked, []);
  });

  test("ask so many at once and no more, and each of them, also when some never answer", async () => {
    let running = 0;
    let most = 0;
    const asked = new Set<string>();
    const clock = new ManualClock();
    const reports = new EngineReports({
      engines: {
        async status({ ip }) {
          asked.add(ip);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          if (Number(ip) % 3 === 0) throw new Failure("engine-unreachable", ip);
          return settledStatus;
        },
        ...unused,
      },
      ...{ clock, random: () => 0.5, log: silentLog, onNews: () => {}, atOnce: 4 },
    });
    const clusters = ["a", "b", "c"].map((name) => ({ namespace: "mail", name }));
    await Promise.all(
      clusters.map((key, n) =>
        reports.follow(
          key,
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((pod) => target(String(n * 10 + pod))),
        ),
      ),
    );
    assert.deepEqual([most, asked.size, running], [4, 30, 0]);
    assert.equal(clusters.flatMap((key) => [...reports.recent(key).keys()]).length, 20);
    assert.notEqual(await reports.askNow("1"), null, "and there is a place for the next one");
    reports.close();
  });

  test("rounding never hides an empty queue", () => {
    const queued = (total: number) => ({ ...settledStatus, queue: { ...settledStatus.queue, total } });
    assert.equal(newsOf(queued(1001)), newsOf(queued(1002)));
    assert.notEqual(newsOf(queued(1)), newsOf(queued(0)));
    assert.notEqual(newsOf(null), newsOf(queued(0)));
  });
});
