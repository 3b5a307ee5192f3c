/**
 * Mail in and mail out, both written down, so that an engine between them can be killed at any moment and the books
 * still tell what was lost: `Load` sends numbered messages over several connections and keeps the number of each that
 * got 250; `arrived` reads the numbers that a host received. A connection that ends is opened again, since that is
 * what a sender does; a message without a reply is given up, never counted as taken.
 */
import { setTimeout as wait } from "node:timers/promises";

import { Lines } from "./dialogue.ts";
import type { ScriptedHost } from "./scripted-host.ts";

export class Load {
  /** Numbers that got 250. */
  readonly taken = new Set<number>();
  /** Replies and ends that were neither 250 nor a connection that broke. */
  readonly refusals: string[] = [];
  readonly #port: number;
  readonly #bytes: number;
  #next = 1;
  #isOver = false;
  #senders: Promise<void>[] = [];

  constructor(port: number, options: { readonly connections: number; readonly bytes?: number }) {
    this.#port = port;
    this.#bytes = options.bytes ?? 300;
    this.#senders = Array.from({ length: options.connections }, () => this.#keepSending());
  }

  /** Stops after the messages that are under way. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#senders);
  }

  async #keepSending(): Promise<void> {
    while (!this.#isOver) {
      const lines = await Lines.to(this.#port).catch(() => null);
      if (lines === null) {
        await wait(10);
        continue;
      }
      await this.#useConnection(lines);
      lines.socket.destroy();
    }
  }

  async #useConnection(lines: Lines): Promise<void> {
    if (!isGood(await lines.reply()) || !isGood(await lines.ask("EHLO load.example.org"))) return;
    while (!this.#isOver) {
      const number = this.#next++;
      for (const command of ["MAIL FROM:<load@example.org>", `RCPT TO:<${number}@example.net>`, "DATA"]) {
        if (!this.#judge(await lines.ask(command), /^[23]/)) return;
      }
      const content = `X-Number: ${number}\r\n\r\n${"x".repeat(this.#bytes)}\r\n.`;
      if (!this.#judge(await lines.ask(content), /^250/)) return;
      this.taken.add(number);
    }
  }

  #judge(reply: string, wanted: RegExp): boolean {
    if (wanted.test(reply)) return true;
    if (reply !== "<closed>") this.refusals.push(reply);
    return false;
  }
}

/** How often each number arrived. */
export function arrived(host: ScriptedHost): Map<number, number> {
  const counts = new Map<number, number>();
  for (const message of host.messages) {
    const number = Number(/^X-Number: (\d+)\r$/m.exec(message)?.[1]);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

function isGood(reply: string): boolean {
  return reply.startsWith("2");
}
