/**
 * The bundled operator as a process, with the flags of its image, and what the system says of it. With BENCH_PROFILE=folder
 * it writes a profile of its processor time there when it is asked to stop. One that ends unasked, as one does that lost its
 * lease while the whole machine stood still, is told of with its last line and started again, as a kubelet would.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { findAccess } from "#operator/kube/access.ts";

import { run } from "../../e2e/peers/shell.ts";

interface Options {
  readonly program: string;
  readonly kubeconfig: string;
  readonly identity: string;
  readonly system: string;
  readonly say: (line: string) => void;
}

export class MeasuredOperator {
  /** Resolves when it acts. */
  readonly acting: Promise<void>;
  readonly #options: Options;
  #child: ChildProcess;
  #gone: Promise<void> = Promise.resolve();
  #isToEnd = false;

  constructor(options: Options) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.acting = promise;
    this.#child = this.#start(resolve);
  }

  #start(onActing: () => void): ChildProcess {
    const child = spawn(process.execPath, argumentsOf(this.#options), {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, MALLOC_ARENA_MAX: "2", NODE_ENV: "production" },
    });
    let last = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = line;
      if (line.includes('"msg":"acting"')) onActing();
    });
    this.#gone = new Promise((resolve) =>
      child.once("close", (code) => {
        resolve();
        if (this.#isToEnd) return;
        this.#options.say(
          `${this.#options.identity} ended unasked with ${code} and is started again: ${last}`,
        );
        this.#child = this.#start(onActing);
      }),
    );
    return child;
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
    this.#isToEnd = true;
    this.#child.kill("SIGTERM");
  }

  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill("SIGKILL");
    await this.#gone;
  }
}

function argumentsOf({ program, kubeconfig, identity, system }: Options): readonly string[] {
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
  return ["--max-semi-space-size=2", "--optimize-for-size", ...profile, program, ...args];
}
