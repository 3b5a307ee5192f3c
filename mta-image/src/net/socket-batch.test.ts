/** The batch is one for a process: whoever else asks goes on with Node's sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { before, test } from "node:test";
import { Worker } from "node:worker_threads";

import { buildSockets } from "../../testing/batched-sockets.ts";
import { loadSocketAddon } from "./socket-addon.ts";
import { batchOfProcess, kindOfSockets } from "./socket-batch.ts";

before(buildSockets);

test("the first thread that asks reads in turns, and any other has Node's sockets", async () => {
  assert.equal(kindOfSockets(), "in-turns");
  assert.equal(batchOfProcess(), batchOfProcess());
  const place = JSON.stringify(new URL("socket-batch.ts", import.meta.url).href);
  const worker = new Worker(
    `import(${place}).then(({ kindOfSockets }) => require("node:worker_threads").parentPort.postMessage(kindOfSockets()))`,
    { eval: true },
  );
  // Both are waited for at once: on a busy machine they come in the same turn.
  const [said, code] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
  assert.deepEqual([said, code], [["node"], [0]]);
  assert.equal(kindOfSockets(), "in-turns");
});

test("an addon that is not there, or is none, is left out", () => {
  assert.equal(loadSocketAddon("/nowhere/sockets.node"), null);
  assert.equal(loadSocketAddon(import.meta.filename), null);
});
