/**
 * The ledger sink seen from a scenario: starts ledger-sink.ts inside a network namespace and asks it. Every call
 * rejects when the process is gone, with what it said.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";

import { Asked } from "./asked.ts";

const Report = z.object({ deliveries: z.int(), recipients: z.int(), doubled: z.array(z.string()) });
export type LedgerReport = z.infer<typeof Report>;

const Wrongs = z.object({ counts: z.record(z.string(), z.int()), unanswered: z.int() });
export type Wrongs = z.infer<typeof Wrongs>;

export interface LedgerOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly namespace?: string | null;
}

export class Ledger {
  readonly address: string;
  readonly port: number;
  readonly #asked: Asked;

  private constructor(address: string, port: number, asked: Asked) {
    this.address = address;
    this.port = port;
    this.#asked = asked;
  }

  static async start(options: LedgerOptions): Promise<Ledger> {
    const script = fileURLToPath(new URL("../peers/ledger-sink.ts", import.meta.url));
    const args = ["--address", options.address, "--port", String(options.port)];
    const asked = await Asked.start(script, args, { namespace: options.namespace ?? null });
    const { port } = z.object({ port: z.int() }).parse(asked.greeting);
    return new Ledger(options.address, port, asked);
  }

  report(): Promise<LedgerReport> {
    return this.#asked.ask("report", Report);
  }

  /** Deliveries by recipient address. */
  async recipients(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries(await this.#asked.ask("recipients", z.record(z.string(), z.int()))));
  }

  /** When those recipients were delivered to that were more than once, in milliseconds since the epoch. */
  async doubles(): Promise<ReadonlyMap<string, readonly number[]>> {
    const shape = z.record(z.string(), z.array(z.number()));
    return new Map(Object.entries(await this.#asked.ask("doubles", shape)));
  }

  /** Transactions at once, at most since this was asked last. */
  async busiest(): Promise<number> {
    return (await this.#asked.ask("busy", z.object({ most: z.int() }))).most;
  }

  /** How the last mail to this recipient began; "" when there was none among the latest. */
  async head(address: string): Promise<string> {
    return (await this.#asked.ask(`head ${address}`, z.object({ head: z.string() }))).head;
  }

  /** From now on so many of all messages (0 to 1) go wrong, the first of them by this seed; 0 ends it. */
  async faults(seed: number, chance: number): Promise<void> {
    await this.#asked.ask(`faults ${seed} ${chance}`, z.unknown());
  }

  /** What went wrong, and how many were taken whose reply was lost on its way. */
  wrongs(): Promise<Wrongs> {
    return this.#asked.ask("wrongs", Wrongs);
  }

  /** From now on takes mail, or puts it off with 451. */
  async mode(mode: "accept" | "defer"): Promise<void> {
    await this.#asked.ask(`mode ${mode}`, z.unknown());
  }

  /** From now on waits this long before each end of data is answered. */
  async pace(milliseconds: number): Promise<void> {
    await this.#asked.ask(`pace ${milliseconds}`, z.unknown());
  }

  stop(): void {
    this.#asked.stop();
  }
}
