/**
 * Figures of the operator beside a real API server, with engines that answer behind every pod:
 *
 *   make bench-operator      or: node operator/bench/operator.bench.ts [clusters] [pods of one more cluster]
 *
 * The operator is the bundled program with the flags of its image. Prints one line a figure with what it was measured by.
 * Other work on the machine makes figures worse, so the load average is printed with them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { findAccess } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";

import { startControlPlane } from "../../e2e/cluster/control-plane.ts";
import { bundle } from "../../tools/bundle.ts";
import { Admin, prepare } from "../testing/api-server.ts";
import { Audit } from "./audit.ts";
import { Fleet } from "./fleet.ts";
import { MeasuredOperator } from "./measured-operator.ts";

const clusters = Number(process.argv[2] ?? 1000);
const pods = Number(process.argv[3] ?? 500);
const EDITS = 200;
const IDLE_SECONDS = 30;

const started = performance.now();
const say = (text: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stdout.write(`[${seconds} s, load ${loadavg()[0]?.toFixed(1)}] ${text}\n`);
};

const folder = await mkdtemp(join(tmpdir(), "bench-operator-"));
const plane = await startControlPlane(() => undefined);
const admin = new Admin({ kubeconfig: plane.kubeconfig, auditLog: plane.auditLog });
const kube = new HttpKube({
  access: findAccess(plane.kubeconfig),
  clock: systemClock,
  random: systemRandom,
  userAgent: "bench",
});
const audit = new Audit(plane.auditLog);
const programs: MeasuredOperator[] = [];
const fleet = new Fleet(admin, kube);
try {
  await bundle(folder);
  await prepare(admin, [...fleet.namespaces, "bench-system"]);
  const first = start("operator-0");
  await first.acting;
  await settle();
  await idle(first);
  await edits();
  await failover(first);
  if (pods > 0) await large();
} finally {
  await Promise.all(programs.map((each) => each.kill()));
  await fleet.close();
  await kube.close();
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
}

function start(identity: string): MeasuredOperator {
  const program = join(folder, "operator.mjs");
  const made = new MeasuredOperator({
    program,
    kubeconfig: plane.kubeconfig,
    identity,
    system: "bench-system",
  });
  programs.push(made);
  return made;
}

async function settle(): Promise<void> {
  const before = performance.now();
  await fleet.create(clusters);
  await fleet.untilSettled(clusters);
  say(`${clusters} MailClusters made and settled: ${seconds(performance.now() - before)}`);
}

async function idle(operator: MeasuredOperator): Promise<void> {
  await wait(20_000);
  const at = Date.now();
  await wait(IDLE_SECONDS * 1000);
  say(`writes in ${IDLE_SECONDS} s of rest, but for the lease: ${audit.writes(at).length}`);
  say(`resident memory with ${clusters} MailClusters: ${await operator.residentMegabytes()} MB`);
  say(`connections to the API server: ${await operator.connections(plane.kubeconfig)}`);
}

/** From the moment in which a user's request leaves to that in which the server receives the operator's first write. */
async function edits(): Promise<void> {
  const sent = new Map<string, number>();
  const count = Math.min(EDITS, clusters);
  for (let i = 0; i < count; i++) {
    const name = fleet.nameOf(Math.floor((i * clusters) / count));
    sent.set(name.join("/"), Date.now());
    await fleet.edit(name, i);
    await fleet.turn();
  }
  await wait(5000);
  const took = [...sent].map(([name, at]) => (audit.firstServiceWrite(name, at) ?? Number.NaN) - at);
  const sorted = took.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  say(
    `edit to first child write, ${sorted.length} of ${count} edits: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
  );
}

async function failover(first: MeasuredOperator): Promise<void> {
  const second = start("operator-1");
  await wait(15_000);
  let at = performance.now();
  first.end();
  await second.acting;
  say(`failover when asked to stop: ${seconds(performance.now() - at)}`);
  const third = start("operator-2");
  await wait(15_000);
  at = performance.now();
  await second.kill();
  await third.acting;
  say(`failover after kill -9: ${seconds(performance.now() - at)}`);
}

async function large(): Promise<void> {
  const before = performance.now();
  await fleet.createLarge(pods);
  await fleet.untilLarge(pods);
  say(`one more cluster of ${pods} pods made and settled: ${seconds(performance.now() - before)}`);
  const operator = programs.at(-1);
  say(`resident memory then: ${await operator?.residentMegabytes()} MB`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
