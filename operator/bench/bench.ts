/** What operator.bench.ts measures, one method a figure; each prints a line. Methods run in the order in which they stand. */
import { mkdtemp, rm, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { findAccess } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";

import { type ControlPlane, startControlPlane } from "../../e2e/cluster/control-plane.ts";
import { BlackHole } from "../../e2e/faults/black-hole.ts";
import { bundle } from "../../tools/bundle.ts";
import { Admin, prepare } from "../testing/api-server.ts";
import { Audit } from "./audit.ts";
import { SimulatedEngines } from "./engines.ts";
import { Fleet } from "./fleet.ts";
import { MeasuredOperator } from "./measured-operator.ts";
import { startNodes } from "./simulated-nodes.ts";

const EDITS = 200;
/** Ten a second: a rate at which the way of one is measured, and not the room for many. */
const EDIT_EVERY_MS = 100;
/** Five seconds each. */
const PATIENCE_TRIES = 12;
const IDLE_SECONDS = 30;
const SAMPLE_MS = 2000;
/** Until an operator has started and stands by. */
const STANDBY_MS = 8000;
const SYSTEM = "bench-system";

export interface Size {
  readonly clusters: number;
  /** Of one more cluster. */
  readonly pods: number;
}

interface Parts {
  readonly folder: string;
  readonly plane: ControlPlane;
  readonly kube: HttpKube;
  readonly fleet: Fleet;
  readonly engines: SimulatedEngines;
  readonly audit: Audit;
}

export class Bench {
  readonly #parts: Parts;
  readonly #size: Size;
  readonly #say: (line: string) => void;
  readonly #programs: MeasuredOperator[] = [];
  readonly #sampler: NodeJS.Timeout;
  #mostConnections = 0;

  private constructor(parts: Parts, size: Size, say: (line: string) => void) {
    this.#parts = parts;
    this.#size = size;
    this.#say = say;
    // One that goes while it is looked at is not counted.
    this.#sampler = setInterval(() => void this.#connections().catch(() => 0), SAMPLE_MS);
  }

  static async open(size: Size, say: (line: string) => void): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), "bench-operator-"));
    const plane = await startControlPlane(say);
    const admin = new Admin({ kubeconfig: plane.kubeconfig, auditLog: plane.auditLog });
    const access = findAccess(plane.kubeconfig);
    const kube = new HttpKube({ access, clock: systemClock, random: systemRandom, userAgent: "bench" });
    const fleet = new Fleet(admin, kube);
    await bundle(folder);
    await prepare(admin, [...fleet.namespaces, SYSTEM]);
    await startNodes(plane, admin, size.clusters + size.pods);
    const parts = { folder, plane, kube, fleet, audit: new Audit(plane.auditLog) };
    const bench = new Bench({ ...parts, engines: new SimulatedEngines(kube) }, size, say);
    await bench.#start("operator-0").acting;
    return bench;
  }

  async close(): Promise<void> {
    const { engines, kube, plane, folder } = this.#parts;
    clearInterval(this.#sampler);
    await Promise.all(this.#programs.map((each) => each.kill()));
    await engines.close();
    await kube.close();
    await plane.stop();
    await rm(folder, { recursive: true, force: true });
  }

  async settle(): Promise<void> {
    const { clusters } = this.#size;
    const before = performance.now();
    await this.#parts.fleet.create(clusters);
    this.#say(`${clusters} MailClusters made: ${seconds(before)}`);
    await this.#parts.fleet.untilSettled(clusters, this.#say);
    this.#say(`all settled: ${seconds(before)}`);
  }

  async idle(): Promise<void> {
    await wait(20_000);
    const at = Date.now();
    await wait(IDLE_SECONDS * 1000);
    const writes = this.#parts.audit.writes(at);
    this.#say(`writes in ${IDLE_SECONDS} s of rest, but for the lease: ${writes.length}`);
    for (const { verb, objectRef: ref } of writes.slice(0, 5))
      this.#say(`  ${verb} ${ref?.resource} ${ref?.namespace}/${ref?.name}`);
    this.#say(`resident memory: ${await this.#acting.residentMegabytes()} MB`);
    this.#say(
      `connections to the API server: ${await this.#connections()}, at most ${this.#mostConnections}`,
    );
  }

  /** From the moment in which a user's request leaves to that in which the server receives the operator's first write. */
  async edits(): Promise<void> {
    const { fleet, audit } = this.#parts;
    const { clusters } = this.#size;
    const started = Date.now();
    const sent = new Map<string, number>();
    const count = Math.min(EDITS, clusters);
    for (let i = 0; i < count; i++) {
      const name = fleet.nameOf(Math.floor((i * clusters) / count));
      sent.set(name.join("/"), Date.now());
      await fleet.edit(name, i);
      await wait(Math.max(0, started + (i + 1) * EDIT_EVERY_MS - Date.now()));
    }
    let took: number[] = [];
    for (let tries = 0; tries < PATIENCE_TRIES && took.length < count; tries++) {
      await wait(5000);
      const writes = audit.serviceWrites(started);
      took = [...sent].flatMap(([name, at]) => (writes.get(name) ?? []).slice(0, 1).map((time) => time - at));
    }
    const sorted = took.sort((a, b) => a - b);
    const part = (of: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? NaN;
    const figures = `p50 ${part(0.5)} ms, p95 ${part(0.95)} ms, p99 ${part(0.99)} ms, most ${part(1)} ms`;
    this.#say(`edit to first child write, ${sorted.length} of ${count} edits, ten a second: ${figures}`);
    this.#say(`connections to the API server, at most: ${this.#mostConnections}`);
  }

  async failover(): Promise<void> {
    const first = this.#acting;
    const second = this.#start("operator-1");
    await wait(STANDBY_MS);
    let before = performance.now();
    first.end();
    await second.acting;
    this.#say(`failover when asked to stop: ${seconds(before)}`);
    const third = this.#start("operator-2");
    await wait(STANDBY_MS);
    before = performance.now();
    await second.kill();
    await third.acting;
    this.#say(`failover after kill -9: ${seconds(before)}`);
  }

  /** The line of the watches goes dark; a user's change just after it is the first that is missed. */
  async deadLine(): Promise<void> {
    const { plane, folder, fleet, audit } = this.#parts;
    const { hostname, port } = new URL(findAccess(plane.kubeconfig).server);
    const hole = await BlackHole.start({ host: hostname, port: Number(port) });
    const config = (await readFile(plane.kubeconfig, "utf8")).replace(`:${port}`, `:${hole.port}`);
    await writeFile(join(folder, "through-the-hole"), config, { mode: 0o600 });
    const before = this.#acting;
    const through = this.#start("operator-3", join(folder, "through-the-hole"));
    await wait(STANDBY_MS);
    before.end();
    await through.acting;
    await wait(10_000);
    hole.swallowHttp2();
    const at = Date.now();
    const name = fleet.nameOf(0);
    await fleet.edit(name, at);
    let heard: number | undefined;
    while (heard === undefined && Date.now() - at < 120_000) {
      await wait(500);
      heard = audit.serviceWrites(at).get(name.join("/"))?.[0];
    }
    this.#say(
      `a change after the watches' line went dark is acted on after ${((heard ?? NaN) - at) / 1000} s`,
    );
    const last = this.#start("operator-4");
    await wait(STANDBY_MS);
    through.end();
    await last.acting;
    await hole.close();
  }

  async large(): Promise<void> {
    const { pods } = this.#size;
    const before = performance.now();
    await this.#parts.fleet.createLarge(pods);
    await this.#parts.fleet.untilLarge(pods, this.#say);
    this.#say(`one more cluster of ${pods} pods made and settled: ${seconds(before)}`);
    this.#say(`resident memory then: ${await this.#acting.residentMegabytes()} MB`);
  }

  async #connections(): Promise<number> {
    const count = await this.#acting.connections(this.#parts.plane.kubeconfig);
    this.#mostConnections = Math.max(this.#mostConnections, count);
    return count;
  }

  get #acting(): MeasuredOperator {
    const last = this.#programs.at(-1);
    if (last === undefined) throw new Error("no operator was started");
    return last;
  }

  #start(identity: string, kubeconfig = this.#parts.plane.kubeconfig): MeasuredOperator {
    const program = join(this.#parts.folder, "operator.mjs");
    const made = new MeasuredOperator({ program, kubeconfig, identity, system: SYSTEM, say: this.#say });
    this.#programs.push(made);
    return made;
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}
