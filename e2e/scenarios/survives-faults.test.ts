/**
 * A cluster under load to which everything happens: its line to the API server, the mail server that it delivers to and
 * its clients go wrong all the time; engines and the operator are killed, engines and the node stand still, the disk is
 * full, it is scaled and configured. Short here, long with `make soak`, which sets the minutes.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { SteadySource } from "../peers/source.ts";
import { Chaos } from "../soak/chaos.ts";
import { Disk } from "../soak/disk.ts";
import { type LineReport, LineFaults } from "../soak/line-faults.ts";
import { type Verdict, judge } from "../soak/verdict.ts";
import { Stage, eventually } from "./stage.ts";

const minutes = Number(process.env["SOAK_MINUTES"] ?? "1.2");
const seed = Number(process.env["SOAK_SEED"] ?? "1");
const RATE = 40;
const BUDGET = 3;
/** What was killed again and again is started by the kubelet after five minutes at the latest. */
const LONGEST_BACK_OFF_SECONDS = 330;
const MOST_FAULTS = 1_000_000;
const LEAST_FAULTS = 200;
/** Of all messages, so many go wrong at the far side, and so many are given up by their client half way. */
const WRONG = 0.06;
const ABANDON = 0.02;

/** So much longer than asked for it may go on. */
const MOST_MORE_MS = 300_000;

describe("a cluster under load to which everything happens", { timeout: minutes * 60_000 + 700_000 }, () => {
  let stage: Stage;
  let source: SteadySource;
  let line: LineFaults | null = null;
  let disk: Disk;

  before(async () => {
    stage = await Stage.open("soak");
    disk = await Disk.open();
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: {
        app: stage.app(),
        startup: { minFree: { size: disk.floor } },
        policy: { policies: [{ fields: [], default: { concurrency: BUDGET, cluster: true } }] },
      },
    });
    line = await LineFaults.install(stage, seed, MOST_FAULTS);
    await stage.ready("outbound", 2);
    source = await SteadySource.start({
      address: await stage.addressOf("outbound"),
      port: 25,
      connections: 4,
      abandon: ABANDON,
      namespace: stage.lab.cluster.networkNamespace,
    });
  });
  after(async () => {
    source?.stop();
    await disk?.empty();
    await line?.remove();
    await stage?.remove();
  });

  test("keeps each promise each second, loses nothing and doubles nothing", async (t) => {
    assert.ok(line);
    await begin(line);
    const chaos = new Chaos(stage, "outbound", { disk, seed });
    await ruin(chaos, line);
    await end(chaos, line);
    const report = await line.report();
    const verdict = await judged(chaos);
    const { counts: wrongs, unanswered } = await stage.sink.wrongs();
    const faults = report.faults + sum(wrongs) + verdict.abandoned + chaos.acts.length;
    t.diagnostic(chaos.acts.join(", "));
    t.diagnostic(`${faults} faults: ${told(report, wrongs)}, ${verdict.abandoned} messages broken off`);
    t.diagnostic(
      `accepted ${verdict.accepted}, lost ${verdict.lost.length}, duplicated ${verdict.duplicated.length}; apart from that ${unanswered} whose reply the far side lost, ${verdict.unavoidable.length} whose engine was killed right after their delivery`,
    );
    const { samples, mostTransactions, mostWriters, violations } = stage.watcher;
    t.diagnostic(
      `${samples} samples, at most ${mostTransactions} transactions of ${BUDGET} and ${mostWriters} writer a spool`,
    );
    assert.deepEqual(verdict.lost, []);
    assert.deepEqual(verdict.duplicated, []);
    assert.deepEqual(verdict.invented, []);
    assert.equal(verdict.rebuffed.length, 0, complaint(verdict.rebuffed, chaos.acts));
    assert.deepEqual(violations, []);
    assert.equal(mostWriters, 1);
    assert.ok(mostTransactions > 0 && mostTransactions <= BUDGET);
    assert.ok(faults >= LEAST_FAULTS, `${faults} faults are too few to prove anything`);
  });

  async function begin(faults: LineFaults): Promise<void> {
    await stage.sink.pace(180);
    await source.rate(RATE);
    await eventually(
      () => source.report(),
      ({ accepted }) => accepted > RATE,
      30,
    );
    stage.watcher.budget = BUDGET;
    await faults.turn("on");
    await stage.sink.faults(seed, WRONG);
  }

  /**
   * One act every few seconds; the operator also dies whenever the line says so. On a slow machine less happens in a minute,
   * so it goes on until enough has.
   */
  async function ruin(chaos: Chaos, faults: LineFaults): Promise<void> {
    const until = Date.now() + minutes * 60_000;
    let killed = 0;
    let happened = 0;
    const isLong = (): boolean => Date.now() >= until + MOST_MORE_MS;
    await chaos.scale(3);
    while (Date.now() < until || !chaos.isCourseOver || (happened < LEAST_FAULTS && !isLong())) {
      await wait(4000);
      await chaos.act();
      const report = await faults.report();
      if (report.kills > killed) await chaos.killOperator();
      killed = report.kills;
      happened = report.faults + sum((await stage.sink.wrongs()).counts) + chaos.acts.length;
    }
  }

  async function end(chaos: Chaos, faults: LineFaults): Promise<void> {
    await faults.turn("off");
    await source.rate(0);
    await stage.sink.faults(seed, 0);
    await stage.sink.pace(0);
    await chaos.scale(2);
    // A canary pod that was killed, or whose disk was full, has its configuration taken back: this one is new.
    await chaos.configure(5);
    await stage.ready("outbound", 2, LONGEST_BACK_OFF_SECONDS);
    const accepted = await source.accepted();
    await eventually(
      async () => stage.sink.recipients(),
      (delivered) => accepted.every((recipient) => delivered.has(recipient)),
      60,
    ).catch(() => undefined);
    await stage.watcher.stop();
  }

  async function judged({ kills, fulls, frozen, still }: Chaos): Promise<Verdict> {
    return judge({
      accepted: await source.accepted(),
      abandoned: await source.abandoned(),
      delivered: new Set((await stage.sink.recipients()).keys()),
      doubles: await stage.sink.doubles(),
      rebuffs: await source.rebuffs(),
      kills,
      fulls,
      frozen,
      still,
      greetings: await source.greetings(),
    });
  }
});

/** Short, since it is the end of a log that is read first. */
function complaint(rebuffed: readonly string[], acts: readonly string[]): string {
  const [first = "", last = ""] = [rebuffed[0], rebuffed.at(-1)];
  const before = acts.filter((act) => act.slice(0, 8) <= first.slice(11, 19));
  return `${rebuffed.length} turned away without a word, from ${first} to ${last}; before that: ${before.slice(-8).join(", ")}`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function told(line: LineReport, wrongs: Readonly<Record<string, number>>): string {
  const far = Object.entries(wrongs).map(([kind, count]) => `${kind} ${count}`);
  return `on the line ${line.faults} (${line.summary}) at ${line.writes} writes, at the far side ${far.join(", ")}`;
}
