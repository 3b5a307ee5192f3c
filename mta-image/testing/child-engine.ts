/**
 * smtpd as a process of its own, as a user starts it, so that it can be signalled, killed and started again on the
 * same folder. Ports are chosen before the first start and stay. `start` rejects with what the process said when
 * it ends before it is ready.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { freePort } from "../../e2e/peers/free-port.ts";
import { type EngineOptions, writeConfig } from "./harness.ts";
import { until } from "./until.ts";

export const programs = {
  smtpd: new URL("../bin/smtpd", import.meta.url).pathname,
  mtactl: new URL("../bin/mtactl", import.meta.url).pathname,
} as const;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runProgram(
  program: keyof typeof programs,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(programs[program], args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = gather(child);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...said };
}

/** Node takes seconds for its first modules on a machine that has much to do. */
const START_PATIENCE_MS = 60_000;

export class ChildEngine {
  readonly folder: string;
  readonly ports: { readonly smtp: number; readonly monitor: number; readonly admin: number };
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, ports: ChildEngine["ports"]) {
    this.folder = folder;
    this.ports = ports;
  }

  static async start(options: EngineOptions & { readonly folder: string }): Promise<ChildEngine> {
    const [smtp, monitor, admin] = await Promise.all([freePort(), freePort(), freePort()]);
    const at = (port: number): { port: number; address: string } => ({ port, address: "127.0.0.1" });
    writeConfig(options.folder, {
      ...options,
      startup: {
        servers: [{ id: "smtp", listeners: [at(smtp)] }],
        monitor: { listener: at(monitor) },
        admin: { listener: at(admin), tokenfile: `${options.folder}/token` },
        environment: { loglevel: "warn" },
        ...options.startup,
      },
    });
    const engine = new ChildEngine(options.folder, { smtp, monitor, admin });
    await engine.start();
    return engine;
  }

  /** Environment that lets mtactl find it. */
  get env(): Record<string, string> {
    return { MTACTL_URL: `http://127.0.0.1:${this.ports.admin}`, MTACTL_TOKEN_FILE: `${this.folder}/token` };
  }

  async start(): Promise<void> {
    const args = ["-c", `${this.folder}/smtpd.yaml`, "--pushed", `${this.folder}/pushed`];
    const child = spawn(programs.smtpd, args, { stdio: ["ignore", "pipe", "pipe"] });
    const said = gather(child);
    this.#child = child;
    this.#ended = once(child, "close");
    await until(
      () => this.#isReady(),
      (ready) => {
        if (child.exitCode !== null) throw new Error(`smtpd ended with ${child.exitCode}: ${said.stderr}`);
        return ready;
      },
      START_PATIENCE_MS,
    );
  }

  /** Of the process that runs now. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Resolves with the exit code, null after a kill. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.signal(signal);
    await this.#ended;
    return this.#child?.exitCode ?? null;
  }

  async #isReady(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.ports.monitor}/ready`).catch(() => null);
    return answer?.ok === true;
  }
}

function gather(child: ChildProcess): { stdout: string; stderr: string } {
  const said = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  return said;
}
