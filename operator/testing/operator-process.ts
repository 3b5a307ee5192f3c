/**
 * operator/testing/fast-operator.ts under the eye of something like a kubelet: started again whenever it ends, under the same name. `kill`
 * ends it as a power cut would. What it logs is kept for the message when something fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface OperatorProcessOptions {
  readonly kubeconfig: string;
  readonly namespaces: readonly string[];
  /** Of the engines. */
  readonly port: number;
  readonly identity?: string;
  /** Where the lease lives; the first namespace unless told. */
  readonly leaseNamespace?: string;
  /** Of KEDA's scaler; none unless told. */
  readonly kedaPort?: number;
}

const KEPT_LINES = 200;

export class OperatorProcess {
  /** How often it ended, by itself or not. */
  deaths = 0;
  readonly lines: string[] = [];
  readonly #options: OperatorProcessOptions;
  #child: ChildProcess | null = null;
  #isWanted = false;

  constructor(options: OperatorProcessOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    this.#isWanted = true;
    const { kubeconfig, namespaces, port, identity = "operator-0" } = this.#options;
    const script = fileURLToPath(new URL("../testing/fast-operator.ts", import.meta.url));
    const lease = this.#options.leaseNamespace ?? namespaces[0] ?? "default";
    const args = [
      script,
      kubeconfig,
      namespaces.join(","),
      String(port),
      lease,
      identity,
      String(this.#options.kedaPort ?? ""),
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      this.lines.push(...text.split("\n").filter(Boolean));
      this.lines.splice(0, this.lines.length - KEPT_LINES);
    });
    child.once("exit", () => {
      this.#child = null;
      if (!this.#isWanted) return;
      this.deaths++;
      this.start();
    });
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** As a rollout would: asked to end, and not started again. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(patience);
  }
}
