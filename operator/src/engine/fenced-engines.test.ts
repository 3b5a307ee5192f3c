import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryEngines } from "../../testing/memory-engines.ts";
import { fencedEngines } from "./fenced-engines.ts";

const address = { ip: "10.0.0.1", serverName: "out-pods.mail.svc", caCertificates: "", token: "" };

test("engines behind an aborted signal answer questions and take no order", async () => {
  const engines = new MemoryEngines();
  engines.start(address.ip, "r1");
  const end = new AbortController();
  const fenced = fencedEngines(engines, end.signal);
  await fenced.drain(address, { mode: "Cordon", peers: [] });
  end.abort(new Error("leadership is lost"));
  assert.equal((await fenced.status(address)).state, "Cordoned");
  const late = { code: "order-too-late", cause: end.signal.reason as Error };
  const orders = [
    () => fenced.push(address, { revision: "r2", files: {} }),
    () => fenced.drain(address, { mode: "Serve", peers: [] }),
    () => fenced.spread(address, { peers: [] }),
    () => fenced.share(address, { shares: { n: 1, of: 2 } }),
    () => fenced.follow(address, { peers: [] }),
    () => fenced.probe(address, { spamhaus: { keyfile: "key" } }),
  ];
  for (const order of orders) await assert.rejects(order, late);
  assert.deepEqual(
    engines.orders.map(({ mode }) => mode),
    ["Cordon"],
  );
});
