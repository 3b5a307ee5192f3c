import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { SteadySource } from "../peers/source.ts";
import { Chaos } from "../soak/chaos.ts";
import { Disk } from "../soak/disk.ts";
import { LineFaults } from "../soak/line-faults.ts";
import { judge } from "../soak/verdict.ts";
import { Watcher } from "../soak/watcher.ts";
import { Stage, eventually } from "./stage.ts";

/** `make soak` sets the minutes; without them it is short. */
const minutes = Number(process.env["SOAK_MINUTES"] ?? "0.4");
const seed = Number(process.env["SOAK_SEED"] ?? "1");
const RATE = 40;
const BUDGET = 8;
const FAULTS = 1_000_000;

describe("a cluster under load to which everything happens", { timeout: minutes * 60_000 + 400_000 }, () => {
  let stage: Stage;
  let source: SteadySource;
  let faults: LineFaults | null = null;
  /** In the long form it is full now and then. */
  let disk: Disk | null = null;

  before(async () => {
    stage = await Stage.open("soak");
    if (process.env["SOAK_MINUTES"] !== undefined) disk = await Disk.open();
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: {
        app: stage.app(),
        ...(disk === null ? {} : { startup: { minFree: { size: disk.floor } } }),
        policy: { policies: [{ fields: [], default: { concurrency: BUDGET, cluster: true } }] },
      },
    });
    faults = await LineFaults.install(stage, seed, FAULTS);
    await stage.ready("outbound", 2);
    const address = await stage.kubectl("get", "service", "outbound", "-o", "jsonpath={.spec.clusterIP}");
    const namespace = stage.lab.cluster.networkNamespace;
    source = await SteadySource.start({ address, port: 25, connections: 4, namespace });
  });
  after(async () => {
    source?.stop();
    await disk?.empty();
    await faults?.remove();
    await stage?.close();
  });

  test("keeps each promise each second, loses nothing and doubles nothing", async (t) => {
    assert.ok(faults);
    await stage.sink.pace(180);
    await source.rate(RATE);
    await eventually(
      () => source.report(),
      ({ accepted }) => accepted > RATE,
      30,
    );
    const watcher = new Watcher({ pods: "outbound-", sink: stage.sink, budget: BUDGET });
    const chaos = new Chaos(stage, "outbound", { disk, seed });
    await faults.turn("on");
    await ruin(chaos, faults);
    await faults.turn("off");
    await source.rate(0);
    await stage.sink.pace(0);
    await chaos.scale(2);
    await stage.ready("outbound", 2);
    const accepted = await source.accepted();
    await eventually(
      async () => stage.sink.recipients(),
      (delivered) => accepted.every((recipient) => delivered.has(recipient)),
      60,
    ).catch(() => undefined);
    await watcher.stop();
    const line = await faults.report();
    const verdict = judge({
      accepted,
      delivered: new Set((await stage.sink.recipients()).keys()),
      doubles: await stage.sink.doubles(),
      rebuffs: await source.rebuffs(),
      kills: chaos.kills,
      fulls: chaos.fulls,
    });
    t.diagnostic(chaos.acts.join(", "));
    t.diagnostic(`on the line: ${line.faults} faults (${line.summary}), ${line.writes} writes`);
    t.diagnostic(
      `accepted ${verdict.accepted}, lost ${verdict.lost.length}, duplicated ${verdict.duplicated.length}, unavoidably ${verdict.unavoidable.length}; ${watcher.samples} samples, at most ${watcher.mostTransactions} transactions of ${BUDGET} and ${watcher.mostWriters} writer a spool`,
    );
    assert.deepEqual(verdict.lost, []);
    assert.deepEqual(verdict.duplicated, []);
    assert.deepEqual(watcher.violations, []);
    assert.deepEqual(verdict.rebuffed, []);
    assert.equal(watcher.mostWriters, 1);
  });

  /** One act every few seconds; the operator also dies whenever the line says so. */
  async function ruin(chaos: Chaos, line: LineFaults): Promise<void> {
    const end = Date.now() + minutes * 60_000;
    let killed = 0;
    await chaos.scale(3);
    await wait(4000);
    await chaos.killEngine();
    while (Date.now() < end) {
      await wait(4000);
      await chaos.act();
      const { kills } = await line.report();
      if (kills > killed) await chaos.killOperator();
      killed = kills;
    }
  }
});
