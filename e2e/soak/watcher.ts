/**
 * Looks each second at what must never be: two writers on one spool, more transactions at the far side than the budget of
 * the cluster. What it found is kept in words; it never stops the run. Every scenario has one (scenarios/stage.ts).
 */
import type { Ledger } from "../peers/ledger.ts";
import { processesOf, writersBySpool } from "./node-processes.ts";

export interface WatcherOptions {
  /** How the names of the pods begin whose spools are looked at; "" for all. */
  readonly pods: string;
  readonly sink: Pick<Ledger, "busiest">;
}

export class Watcher {
  readonly violations: string[] = [];
  /** Transactions at once that the policy allows the whole cluster; null where none is said. */
  budget: number | null = null;
  samples = 0;
  mostWriters = 0;
  mostTransactions = 0;
  readonly #options: WatcherOptions;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look()).catch((error: unknown) => this.#blind(error));
    }, 1000);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Not to have looked is no proof of anything. */
  #blind(error: unknown): void {
    this.violations.push(`${new Date().toISOString()} it could not be looked: ${String(error)}`);
  }

  async #look(): Promise<void> {
    const { pods, sink } = this.#options;
    const { budget } = this;
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
    if (budget !== null && busiest > budget)
      this.violations.push(`${at} ${busiest} transactions at once, ${budget} are allowed`);
    this.samples++;
  }
}
