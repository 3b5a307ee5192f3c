/**
 * Postfix's smtp-sink as the far side: takes everything and counts. Its count goes into a file that is read when somebody asks: to
 * hear of each message through a pipe took this process 12 µs, on the cores that are measured.
 */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";

import { freePort } from "../peers/free-port.ts";
import { untilListening } from "./subjects.ts";

export class CountingSink {
  readonly port: number;
  readonly #child: ReturnType<typeof spawn>;
  /** In memory: the disk is for the servers. */
  readonly #folder = mkdtempSync("/dev/shm/bench-sink-");
  readonly #counts: number;

  private constructor(port: number) {
    this.port = port;
    this.#counts = openSync(join(this.#folder, "counts"), "w+");
    // -c prints a running count; without -u it refuses to run as root, and without -m it takes 256 connections at once.
    const args = ["-u", "nobody", "-c", "-m", "10000", `127.0.0.1:${port}`, "1024"];
    this.#child = spawn("smtp-sink", args, { stdio: ["ignore", this.#counts, "ignore"] });
  }

  static async start(): Promise<CountingSink> {
    const sink = new CountingSink(await freePort());
    // A server that finds nobody there puts all its mail off.
    await untilListening(sink.port);
    return sink;
  }

  /** Messages since start. */
  get messages(): number {
    const end = Buffer.alloc(200);
    const { size } = fstatSync(this.#counts);
    const length = readSync(this.#counts, end, 0, end.length, Math.max(0, size - end.length));
    const counts = [...end.toString("latin1", 0, length).matchAll(/mesg=(\d+)(?=[^\d])/g)];
    return Number(counts.at(-1)?.[1] ?? 0);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
    closeSync(this.#counts);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
