import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeKube } from "../../testing/fake-kube.ts";
import { Leader } from "./leader.ts";
import { type Lease, resources } from "./objects.ts";

function setUp() {
  const clock = new ManualClock();
  const kube = new FakeKube({ clock });
  const make = (identity: string): Leader =>
    new Leader({ kube, namespace: "system", name: "op", identity, clock, random: () => 0, log: silentLog });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const lease = (): Lease | null => kube.peek<Lease>(resources.leases, "system", "op");
  return { clock, kube, make, pass, lease };
}

const never = new AbortController().signal;

describe("the leader", () => {
  test("writes times with six digits and renews them", async () => {
    const { make, pass, lease } = setUp();
    const lost = await make("a").acquire(never);
    const first = lease()?.spec?.renewTime ?? "";
    assert.match(first, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await pass(5000);
    assert.notEqual(lease()?.spec?.renewTime, first);
    assert.equal(lost?.aborted, false);
  });

  test("a second one waits for as long as the lease is renewed, and takes it once it stands still", async () => {
    const { make, pass, lease, kube } = setUp();
    const first = await make("a").acquire(never);
    let second: AbortSignal | null = null;
    void make("b")
      .acquire(never)
      .then((signal) => (second = signal));
    await pass(60_000);
    assert.equal(second, null);
    kube.failNext("replace", "unreachable", { times: 1000 });
    await pass(11_000);
    assert.equal(first?.aborted, true, "stepped down before the lease ran out");
    assert.equal(second, null, "nobody has taken it yet");
    kube.failNext("get", "broken", { times: 1 });
    await pass(3000);
    assert.equal(lease()?.spec?.holderIdentity, "a");
  });

  test("a lease that was released is taken at once, and its holder is lost", async () => {
    const { make, pass, lease } = setUp();
    const a = make("a");
    const lost = await a.acquire(never);
    const taken = make("b").acquire(never);
    await pass(3000);
    await a.release();
    assert.equal(lost?.aborted, true);
    await pass(3000);
    assert.equal((await taken)?.aborted, false);
    assert.equal(lease()?.spec?.holderIdentity, "b");
    assert.equal(lease()?.spec?.leaseTransitions, 1);
  });

  test("stands down when it finds another holder", async () => {
    const { make, pass, kube } = setUp();
    const lost = await make("a").acquire(never);
    kube.edit<Lease>(resources.leases, "system", "op", (copy) => {
      (copy as unknown as { spec: { holderIdentity: string } }).spec.holderIdentity = "b";
    });
    await pass(3000);
    assert.equal(lost?.aborted, true);
  });

  test("waiting ends when it is told to stop", async () => {
    const { make, pass } = setUp();
    await make("a").acquire(never);
    const stop = new AbortController();
    const waiting = make("b").acquire(stop.signal);
    await pass(3000);
    stop.abort();
    assert.equal(await waiting, null);
  });
});
