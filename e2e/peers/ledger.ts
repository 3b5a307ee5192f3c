/**
 * The ledger sink seen from a scenario: starts ledger-sink.ts inside a network namespace and asks it. Every call
 * rejects when the process is gone, with what it said.
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

import { start } from "./shell.ts";

const Report = z.object({ deliveries: z.int(), recipients: z.int(), doubled: z.array(z.string()) });
export type LedgerReport = z.infer<typeof Report>;

export interface LedgerOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly namespace?: string | null;
}

export class Ledger {
  readonly address: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: {
    address: string;
    port: number;
    child: ChildProcess;
    answers: AsyncIterator<string>;
  }) {
    this.address = options.address;
    this.port = options.port;
    this.#child = options.child;
    this.#answers = options.answers;
  }

  static async start(options: LedgerOptions): Promise<Ledger> {
    const script = fileURLToPath(new URL("../peers/ledger-sink.ts", import.meta.url));
    const args = [script, "--address", options.address, "--port", String(options.port)];
    const child = start(process.execPath, args, { namespace: options.namespace ?? null });
    const said: string[] = [];
    child.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    if (child.stdout === null) throw new Error("bug: the sink has no output");
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.done === true) throw new Error(`the sink did not start: ${said.join("")}`);
    const { port } = z.object({ ready: z.literal(true), port: z.int() }).parse(JSON.parse(first.value));
    return new Ledger({ address: options.address, port, child, answers });
  }

  async report(): Promise<LedgerReport> {
    return Report.parse(await this.#ask("report"));
  }

  /** Deliveries by recipient address. */
  async recipients(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries(z.record(z.string(), z.int()).parse(await this.#ask("recipients"))));
  }

  /** How the last mail to that address began; "" when there was none lately. */
  async head(address: string): Promise<string> {
    return z.object({ head: z.string() }).parse(await this.#ask(`head ${address}`)).head;
  }

  /** From now on takes mail, or puts it off with 451. */
  async mode(mode: "accept" | "defer"): Promise<void> {
    await this.#ask(`mode ${mode}`);
  }

  /** From now on waits this long before each end of data is answered. */
  async pace(milliseconds: number): Promise<void> {
    await this.#ask(`pace ${milliseconds}`);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  /** One question at a time: answers come back in order and carry no name. */
  #ask(question: string): Promise<unknown> {
    const answer = this.#turn.then(async () => {
      this.#child.stdin?.write(`${question}\n`);
      const line = await this.#answers.next();
      if (line.done === true) throw new Error(`the sink ended before it answered "${question}"`);
      return JSON.parse(line.value) as unknown;
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }
}
