import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { until } from "../../mta-image/testing/until.ts";
import { Ledger } from "./ledger.ts";
import { SteadySource } from "./source.ts";

let ledger: Ledger;
let source: SteadySource;

before(async () => {
  ledger = await Ledger.start({ address: "127.0.0.1", port: 0 });
  source = await SteadySource.start({ address: "127.0.0.1", port: ledger.port, connections: 2 });
});
after(() => {
  source.stop();
  ledger.stop();
});

test("what the source says was accepted is what the other side has", async () => {
  await source.rate(200);
  while ((await source.report()).accepted < 30) await wait(20);
  await source.rate(0);
  // Replies to what was begun before are still on their way.
  const books = async (): Promise<readonly string[]> => {
    const [said, delivered] = [await source.accepted(), await ledger.recipients()];
    return [said.sort().join(), [...delivered.keys()].sort().join()];
  };
  await until(books, ([said, delivered]) => said === delivered);
  assert.deepEqual(await source.rebuffs(), []);
});

test("a message that is cut off half way is neither accepted nor a rebuff", async (t) => {
  const quitter = await SteadySource.start({
    address: "127.0.0.1",
    port: ledger.port,
    connections: 2,
    abandon: 0.5,
    domain: "quitter.test",
  });
  t.after(() => quitter.stop());
  await quitter.rate(200);
  while ((await quitter.report()).accepted < 10 || (await quitter.abandoned()).length < 10) await wait(20);
  await quitter.rate(0);
  await wait(300);
  const delivered = await ledger.recipients();
  assert.deepEqual(
    (await quitter.abandoned()).filter((name) => delivered.has(name)),
    [],
  );
  assert.deepEqual(await quitter.rebuffs(), []);
});

test("mail that is put off is no rebuff, a server that is gone is one", async () => {
  await ledger.mode("defer");
  await source.rate(100);
  while ((await source.report()).putOff === 0) await wait(20);
  assert.deepEqual(await source.rebuffs(), []);
  ledger.stop();
  while ((await source.rebuffs()).length === 0) await wait(20);
  await source.rate(0);
});
