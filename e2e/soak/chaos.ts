/**
 * What happens to a cluster under load, chosen by a seed: engines and operators are killed, engines and the node stand
 * still for seconds, the disk is full, the cluster is scaled, its configuration is changed. Each act leaves the outcome to
 * whoever watches; when engines were killed and when the disk was full is kept, since nobody can be asked to answer then.
 */
import { setTimeout as wait } from "node:timers/promises";

import { seededRandom } from "#base/random.ts";
import type { Ground } from "./ground.ts";
import type { Disk } from "./disk.ts";
import { freeze, killNow, nodePrograms, processesOf } from "./node-processes.ts";
import type { Span } from "./verdict.ts";

type Act =
  | "kill-engine"
  | "kill-operator"
  | "scale"
  | "configure"
  | "freeze-engine"
  | "freeze-node"
  | "fill-disk";

/** What happens first, so that each happens once however short the course is. */
const COURSE: readonly Act[] = [
  "kill-engine",
  "freeze-engine",
  "configure",
  "kill-operator",
  "freeze-node",
  "scale",
  "fill-disk",
];
/** A container that dies often waits longer and longer for its next start: engines die seldom. */
const MENU: readonly Act[] = [...COURSE, "scale", "scale"];
/** Shorter than the probes' patience: who is frozen is slow, not dead. */
const FROZEN_MS = 4000;
/** Engines look at their disk every two seconds. */
const FULL_MS = 6000;
const LEAST_BETWEEN_KILLS_MS = 20_000;
const MOST_PODS = 4;
/** Seconds between two attempts, as the course chooses them. */
const MOST_INTERVAL = 4;

export class Chaos {
  /** Milliseconds since the epoch. */
  readonly kills: number[] = [];
  readonly fulls: Span[] = [];
  /** When nobody told the node's proxy which pods are gone. */
  readonly frozen: Span[] = [];
  /** When an engine stood still. */
  readonly still: Span[] = [];
  /** Each with its time. */
  readonly acts: string[] = [];
  readonly #course: Act[] = [...COURSE];
  #operatorKilledAt = 0;
  readonly #ground: Ground;
  readonly #cluster: string;
  readonly #disk: Disk;
  readonly #random: () => number;

  constructor(ground: Ground, cluster: string, options: { readonly disk: Disk; readonly seed: number }) {
    const { disk, seed } = options;
    this.#disk = disk;
    this.#ground = ground;
    this.#cluster = cluster;
    this.#random = seededRandom(seed);
  }

  /** Each has happened once. */
  get isCourseOver(): boolean {
    return this.#course.length === 0;
  }

  async act(): Promise<void> {
    switch (this.#course.shift() ?? this.#pick(MENU)) {
      case "kill-engine":
        return this.killEngine();
      case "kill-operator":
        return this.killOperator();
      case "scale":
        return this.scale(1 + Math.floor(this.#random() * MOST_PODS));
      case "freeze-engine":
        return this.freezeEngine();
      case "freeze-node":
        return this.freezeNode();
      case "fill-disk":
        return this.fillDisk();
      default:
        return this.configure();
    }
  }

  async killEngine(): Promise<void> {
    const last = this.kills.at(-1) ?? 0;
    const engine = this.#pick(await processesOf("engine", `${this.#cluster}-`));
    if (engine === undefined || Date.now() - last < LEAST_BETWEEN_KILLS_MS) return;
    this.kills.push(Date.now());
    killNow(engine);
    this.#say(`kill ${engine.host}`);
  }

  /** Nor does the operator, for the same reason. */
  async killOperator(): Promise<void> {
    if (Date.now() - this.#operatorKilledAt < LEAST_BETWEEN_KILLS_MS) return;
    this.#operatorKilledAt = Date.now();
    for (const operator of await processesOf("operator", "mailfleet")) killNow(operator);
    this.#say("kill operator");
  }

  async freezeEngine(): Promise<void> {
    const engine = this.#pick(await processesOf("engine", `${this.#cluster}-`));
    if (engine === undefined) return;
    const from = Date.now();
    await freeze([engine.pid], FROZEN_MS);
    this.still.push({ from, until: Date.now() });
    this.#say(`freeze ${engine.host}`);
  }

  /** Pods go on; nobody looks after them. */
  async freezeNode(): Promise<void> {
    const from = Date.now();
    await freeze(await nodePrograms(), FROZEN_MS);
    this.frozen.push({ from, until: Date.now() });
    this.#say("freeze node");
  }

  async fillDisk(): Promise<void> {
    const from = Date.now();
    await this.#disk.fill();
    try {
      await wait(FULL_MS);
    } finally {
      await this.#disk.empty();
      this.fulls.push({ from, until: Date.now() });
    }
    this.#say("fill disk");
  }

  async scale(replicas: number): Promise<void> {
    await this.#ground.kubectl("scale", "mailcluster", this.#cluster, `--replicas=${replicas}`);
    this.#say(`scale ${replicas}`);
  }

  async configure(interval = 1 + Math.floor(this.#random() * MOST_INTERVAL)): Promise<void> {
    const path = "/spec/config/app/transportgroups/0/retry/intervals/0/interval";
    const patch = JSON.stringify([{ op: "replace", path, value: interval }]);
    await this.#ground.kubectl("patch", "mailcluster", this.#cluster, "--type=json", "-p", patch);
    this.#say(`retry every ${interval} s`);
  }

  #say(act: string): void {
    this.acts.push(`${new Date().toISOString().slice(11, 19)} ${act}`);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}
