/**
 * The books of a scenario: the account of what was accepted, the ledgers "somewhere else" where mail may end, and the
 * spools, which are asked only when something has not been delivered. Rejects when one of them cannot be asked.
 */
import { z } from "zod";

import type { Ledger } from "../peers/ledger.ts";
import { Account, type Balance, balance } from "../peers/account.ts";

const QueueView = z.object({
  entries: z.array(z.object({ recipient: z.string() })),
  next: z.string().nullable(),
});

export class Books {
  readonly account = new Account();
  readonly #sinks: Ledger[] = [];
  readonly #kubectl: (...args: readonly string[]) => Promise<string>;

  constructor(kubectl: (...args: readonly string[]) => Promise<string>) {
    this.#kubectl = kubectl;
  }

  add(sink: Ledger): void {
    this.#sinks.push(sink);
  }

  close(): void {
    for (const sink of this.#sinks) sink.stop();
  }

  /** Without the spools: what is missing is on its way. */
  async delivered(): Promise<{ readonly missing: readonly string[]; readonly doubled: readonly string[] }> {
    const { accepted } = this.account;
    const books = { accepted, delivered: await this.#deliveries(), queued: new Set<string>() };
    const { lost: missing, doubled } = balance(books);
    return { missing, doubled };
  }

  async balance(): Promise<Balance> {
    const { missing, doubled } = await this.delivered();
    if (missing.length === 0) return { lost: [], doubled };
    const queued = await this.#queued();
    // What went from a spool to a sink between the two looks is seen by the second.
    return balance({ accepted: this.account.accepted, delivered: await this.#deliveries(), queued });
  }

  async #deliveries(): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>();
    for (const sink of this.#sinks)
      for (const [name, times] of await sink.recipients()) sums.set(name, (sums.get(name) ?? 0) + times);
    return sums;
  }

  async #queued(): Promise<ReadonlySet<string>> {
    const engines = ["get", "pods", "-l", "app.kubernetes.io/component=mta"];
    const pods = await this.#kubectl(...engines, "-o", "jsonpath={.items[*].metadata.name}");
    const queued = new Set<string>();
    for (const pod of pods.split(" ").filter(Boolean)) {
      let after: string | null = "";
      while (after !== null) {
        const page: readonly string[] = after === "" ? [] : ["--after", after];
        const list = ["mtactl", "queue", "list", "--json", "--limit", "1000", ...page];
        const text = await this.#kubectl("exec", pod, "--", ...list);
        const { entries, next } = QueueView.parse(JSON.parse(text));
        for (const { recipient } of entries) queued.add(recipient);
        after = next;
      }
    }
    return queued;
  }
}
