/**
 * Looks each second at what must never be: two writers on one spool, more transactions at the far side than the budget of
 * the cluster. What it found is kept in words; it never stops the run.
 */
import type { Ledger } from "../peers/ledger.ts";
import { processesOf, writersBySpool } from "./node-processes.ts";

export interface WatcherOptions {
  /** How the names of the cluster's pods begin. */
  readonly pods: string;
  readonly sink: Ledger;
  /** Transactions at once that the policy allows the whole cluster. */
  readonly budget: number;
}

export class Watcher {
  readonly violations: string[] = [];
  samples = 0;
  mostWriters = 0;
  mostTransactions = 0;
  readonly #options: WatcherOptions;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, 1000);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { pods, sink, budget } = this.#options;
    const at = new Date().toISOString();
    const writers = await writersBySpool(await processesOf("engine", pods));
    for (const [volume, engines] of writers) {
      this.mostWriters = Math.max(this.mostWriters, engines.length);
      if (engines.length < 2) continue;
      const names = engines.map(({ host, pid }) => `${host} (${pid})`).join(", ");
      this.violations.push(`${at} ${volume} is written to by ${names}`);
    }
    const busiest = await sink.busiest();
    this.mostTransactions = Math.max(this.mostTransactions, busiest);
    if (busiest > budget)
      this.violations.push(`${at} ${busiest} transactions at once, ${budget} are allowed`);
    this.samples++;
  }
}
