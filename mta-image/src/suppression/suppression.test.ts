import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { SuppressionAdd } from "#contract/suppression-api.ts";
import { SuppressionConfig } from "#contract/suppression-config.ts";

import { FakeCourier } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { suppressBefore } from "./suppressing-courier.ts";
import { SuppressionList } from "./suppression-list.ts";

interface Rig {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly list: SuppressionList;
}

function rig(t: TestContext, config: object = {}): Rig {
  const folder = mkdtempSync(join(tmpdir(), "suppression-"));
  const clock = new ManualClock();
  const list = new SuppressionList({ folder, clock, log: silentLog });
  list.configure(SuppressionConfig.parse(config));
  t.after(() => {
    list.close();
    rmSync(folder, { recursive: true });
  });
  return { folder, clock, list };
}

const order = (addresses: string[], change: object = {}): SuppressionAdd =>
  SuppressionAdd.parse({ addresses, ...change });

test("a recipient on the list fails without being tried, the others of its message go", async (t) => {
  const { list, clock } = rig(t);
  await list.add(order(["Ann@Example.net"], { reason: "asked us to" }));
  const courier = new FakeCourier();
  const { queue, notifier, ledger } = setUp({ courier: suppressBefore(courier, list, silentLog), clock });
  const message = makeMessage({ recipients: ["bob@example.net", "ann@example.net", "cat@example.net"] });
  queue.add(message);
  await settle();
  assert.deepEqual(courier.tried(), [`${message.id}/0`, `${message.id}/2`]);
  assert.equal(ledger.settled.length, 3);
  const [{ outcome: said } = { outcome: undefined }] = notifier.notices[0]?.recipients ?? [];
  assert.match(
    said?.reply ?? "",
    /^The recipient is suppressed since 20\d\d-\d\d-\d\d \(api: asked us to\)$/,
  );
});

test("a domain beyond ASCII is one domain, in whichever letters it is written", async (t) => {
  const { list } = rig(t);
  await list.add(order(["ann@BÜCHER.example"]));
  list.complained("", "bob@xn--bcher-kva.example");
  for (const address of ["ann@bücher.example", "ann@xn--bcher-kva.example", "bob@bücher.example"])
    assert.ok(list.find("", address), address);
  assert.equal(list.find("", "cat@bücher.example"), null);
  const { entries } = list.page({ address: "ann@bücher.example", limit: 10 });
  assert.equal(entries.length, 1);
  assert.equal(await list.delete({ tenant: "", addresses: ["ann@XN--BCHER-KVA.example"] }), 1);
});

test("each tenant has a list of its own, and one for all holds for each", async (t) => {
  const { list } = rig(t);
  await list.add(order(["a@x.net"], { tenant: "acme" }));
  await list.add(order(["b@x.net"]));
  const found = (tenant: string, address: string): boolean => list.find(tenant, address) !== null;
  assert.deepEqual(
    [found("acme", "a@x.net"), found("other", "a@x.net"), found("", "a@x.net"), found("other", "b@x.net")],
    [true, false, false, true],
  );
  assert.equal(await list.delete({ tenant: "acme", addresses: ["A@x.net", "b@x.net"] }), 1);
  assert.equal(found("acme", "a@x.net"), false);
});

test("a failure of a configured class is learned at once, outlives the process and ends with its time", (t) => {
  const { list, clock, folder } = rig(t, { for: "1h" });
  list.failed("", "gone@x.net", "bad-mailbox");
  list.failed("", "angry@x.net", "spam");
  assert.equal(list.find("", "gone@x.net")?.reason, "bad-mailbox");
  assert.equal(list.find("", "angry@x.net"), null);
  clock.advance(1000);
  const again = new SuppressionList({ folder, clock, log: silentLog });
  again.configure(SuppressionConfig.parse({}));
  assert.equal(again.find("", "gone@x.net")?.source, "bounce");
  clock.advance(3_600_000);
  assert.equal(again.find("", "gone@x.net"), null);
  again.close();
});

test("what was learned while the clock was ten years ahead ends with its time, counted from when that is seen", (t) => {
  const { list, clock } = rig(t, { for: "1h" });
  const ahead = 3650 * 86_400_000;
  clock.setWall(ahead);
  list.failed("", "gone@x.net", "bad-mailbox");
  clock.advance(1000);
  clock.setWall(-ahead);
  assert.equal(list.find("", "gone@x.net")?.since, clock.now());
  clock.advance(3_599_999);
  assert.notEqual(list.find("", "gone@x.net"), null);
  clock.advance(1);
  assert.equal(list.find("", "gone@x.net"), null);
});

test("a full list refuses what is added and says so; what is there may be renewed", async (t) => {
  const { list } = rig(t, { max: 2 });
  await list.add(order(["a@x.net", "b@x.net"]));
  await assert.rejects(list.add(order(["b@x.net", "c@x.net"])), { code: "suppression-full" });
  assert.equal(await list.add(order(["a@x.net"])), 1);
  assert.equal(list.size, 2);
});

test("pages show every entry once, and a list that is off says so", async (t) => {
  const { list } = rig(t);
  const addresses = Array.from({ length: 5 }, (_, i) => `u${i}@x.net`);
  await list.add(order(addresses, { tenant: "a b" }));
  list.complained("", "z@x.net");
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page = list.page({ limit: 2, ...(after === null ? {} : { after }) });
    seen.push(...page.entries.map(({ address }) => address));
    after = page.next;
  } while (after !== null);
  assert.deepEqual(seen, ["z@x.net", ...addresses]);
  list.configure(undefined);
  assert.equal(list.isOn, false);
  assert.throws(() => list.page({ limit: 1 }), { code: "suppression-off" });
});

test("one address is found with each tenant, and pages show no entry whose time is over", async (t) => {
  const { list, clock } = rig(t);
  for (const tenant of ["", "acme", "b c", "zoo"])
    await list.add(order(["ann@x.net", `${tenant.length}@x.net`], { tenant, ttl: tenant === "zoo" ? 1 : 0 }));
  const tenantsOf = (query: object): string[] =>
    list.page({ limit: 100, ...query }).entries.map(({ tenant }) => tenant);
  assert.deepEqual(tenantsOf({ address: "Ann@x.net" }), ["", "acme", "b c", "zoo"]);
  assert.deepEqual(tenantsOf({ address: "ann@x.net", tenant: "acme" }), ["acme"]);
  const [first, second] = [
    list.page({ limit: 2, address: "ann@x.net" }),
    list.page({ limit: 1, tenant: "acme" }),
  ];
  assert.deepEqual(tenantsOf({ address: "ann@x.net", after: first.next }), ["b c", "zoo"]);
  assert.deepEqual(tenantsOf({ tenant: "acme", after: second.next }), ["acme"]);
  clock.advance(1000);
  assert.deepEqual(tenantsOf({ address: "ann@x.net" }), ["", "acme", "b c"]);
  assert.deepEqual(tenantsOf({ tenant: "zoo" }), []);
});

test("a long order is done in parts, and all of it is there", async (t) => {
  const { list } = rig(t);
  const addresses = Array.from({ length: 1001 }, (_, i) => `u${i}@x.net`);
  const added = list.add(order(addresses));
  // Not for the whole order, but between two parts of it.
  assert.ok((list.size ?? 0) < 1001, `${list.size} in one piece`);
  assert.equal(await added, 1001);
  assert.equal(list.size, 1001);
  assert.equal(await list.delete({ tenant: "", addresses }), 1001);
  assert.equal(list.size, 0);
});

test("when the list cannot be read mail is put off, not sent", async () => {
  const courier = new FakeCourier();
  const broken = {
    isOn: true,
    find: () => {
      throw new Error("disk");
    },
  };
  const { queue } = setUp({ courier: suppressBefore(courier, broken, silentLog) });
  queue.add(makeMessage());
  await settle();
  assert.equal(courier.attempts.length, 0);
  assert.equal(queue.counters.deferred, 1);
});
