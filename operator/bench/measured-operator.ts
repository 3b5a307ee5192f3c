/**
 * The bundled operator as a process, with the flags of its image, and what the system says of it. With BENCH_PROFILE=folder
 * it writes a profile of its processor time there when it is asked to stop.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { findAccess } from "#operator/kube/access.ts";

import { run } from "../../e2e/peers/shell.ts";

export class MeasuredOperator {
  /** Resolves when it acts. */
  readonly acting: Promise<void>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;

  constructor(options: { program: string; kubeconfig: string; identity: string; system: string }) {
    const { program, kubeconfig, identity, system } = options;
    const flags = {
      kubeconfig,
      identity,
      "lease-namespace": system,
      "engine-image": "mailfleet-mta:bench",
      "monitor-port": "0",
      "image-volumes": "on",
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const folder = process.env["BENCH_PROFILE"];
    const profile = folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
    const node = ["--max-semi-space-size=2", "--optimize-for-size", ...profile];
    const env = { ...process.env, MALLOC_ARENA_MAX: "2", NODE_ENV: "production" };
    const child = spawn(process.execPath, [...node, program, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env,
    });
    this.#child = child;
    this.#gone = new Promise((resolve) => child.once("exit", () => resolve()));
    this.acting = new Promise((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line.includes('"msg":"acting"')) resolve();
      });
    });
  }

  async residentMegabytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
  }

  /** Sockets to the API server that are open. */
  async connections(kubeconfig: string): Promise<number> {
    const { port } = new URL(findAccess(kubeconfig).server);
    const lines = await run("ss", ["-Htnp", "state", "established", "dport", "=", `:${port}`]);
    return lines.split("\n").filter((line) => line.includes(`pid=${this.#child.pid},`)).length;
  }

  /** As a rollout would end it. */
  end(): void {
    this.#child.kill("SIGTERM");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }
}
