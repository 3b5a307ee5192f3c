import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { Targets } from "./targets.ts";

function setUp() {
  const clock = new ManualClock();
  const answers = { addresses: ["10.0.0.1", "10.0.0.2"], isBroken: false };
  const names = {
    lookup: async () => {
      if (answers.isBroken) throw new Error("SERVFAIL");
      return answers.addresses;
    },
    reverse: async (address: string) => [
      "10-0-0-9.out.mail.svc.cluster.local",
      `out-${address.slice(-1)}.out-pods.mail.svc.cluster.local`,
    ],
  };
  const config = {
    hosts: [],
    discover: [{ host: "out-pods.mail.svc", port: 8443, scheme: "https" as const }],
  };
  const targets = new Targets({ ...config, timeout: 3000 }, { names, clock });
  const look = async (): Promise<string[]> => {
    const { targets: found, failures } = await targets.all();
    return [...found.map(({ name, url }) => `${name} ${url}`), ...failures.map(({ reason }) => reason)];
  };
  return { clock, answers, look };
}

test("every address of a name is an engine, called as its pod is", async () => {
  const { look, clock, answers } = setUp();
  const both = ["out-1 https://10.0.0.1:8443", "out-2 https://10.0.0.2:8443"];
  assert.deepEqual(await look(), both);
  answers.addresses = ["fd00::3"];
  assert.deepEqual(await look(), both);
  clock.advance(5_000);
  assert.equal((await look())[0], "out-3 https://[fd00::3]:8443");
});

test("an engine whose address is gone is named for two minutes", async () => {
  const { look, clock, answers } = setUp();
  await look();
  answers.addresses = ["10.0.0.1"];
  clock.advance(10_000);
  assert.deepEqual(await look(), [
    "out-1 https://10.0.0.1:8443",
    "its address is gone from out-pods.mail.svc for 10 s",
  ]);
  clock.advance(120_000);
  assert.deepEqual(await look(), ["out-1 https://10.0.0.1:8443"]);
});

test("while names cannot be looked up the addresses known before stay, beside the reason", async () => {
  const { look, clock, answers } = setUp();
  await look();
  answers.isBroken = true;
  clock.advance(5_000);
  const [first, second, reason] = await look();
  assert.ok(first?.startsWith("out-1") && second?.startsWith("out-2"));
  assert.equal(reason, "cannot be looked up: SERVFAIL");
});
