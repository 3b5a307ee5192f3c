/** Postfix's smtp-sink as the far side: takes everything and counts. */
import { spawn } from "node:child_process";

import { freePort } from "../peers/free-port.ts";
import { untilListening } from "./subjects.ts";

export class CountingSink {
  readonly port: number;
  readonly #child: ReturnType<typeof spawn>;
  #messages = 0;

  private constructor(port: number) {
    this.port = port;
    // -c prints a running count; without -u it refuses to run as root, and without -m it takes 256 connections at once.
    const args = ["-u", "nobody", "-c", "-m", "10000", `127.0.0.1:${port}`, "1024"];
    this.#child = spawn("smtp-sink", args);
    let rest = "";
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      rest = (rest + chunk.toString("latin1")).slice(-200);
      const counts = [...rest.matchAll(/mesg=(\d+)(?=[^\d])/g)];
      this.#messages = Math.max(this.#messages, Number(counts.at(-1)?.[1] ?? 0));
    });
  }

  static async start(): Promise<CountingSink> {
    const sink = new CountingSink(await freePort());
    // A server that finds nobody there puts all its mail off.
    await untilListening(sink.port);
    return sink;
  }

  /** Messages since start. */
  get messages(): number {
    return this.#messages;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}
