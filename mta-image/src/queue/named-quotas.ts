/**
 * What is queued under names that scripts gave: each recipient counts as one, with the size of its message, from when it is
 * queued until it is settled or handed over. They bound nothing by themselves: queue_quota() tells scripts, which may.
 * Bounded by what is queued; a name that holds nothing is forgotten. Never fails.
 */
import type { LiveMail } from "../spool/spool.ts";

export interface NamedUse {
  readonly count: number;
  readonly bytes: number;
}

type Mail = Pick<LiveMail, "quotas" | "sizeBytes">;

const unused: NamedUse = { count: 0, bytes: 0 };

export class NamedQuotas {
  readonly #used = new Map<string, NamedUse>();

  usedBy(name: string): NamedUse {
    return this.#used.get(name) ?? unused;
  }

  enter(message: Mail, recipients: number): void {
    for (const name of message.quotas) this.#change(name, recipients, recipients * message.sizeBytes);
  }

  leave(message: Mail, recipients: number): void {
    // Nearly no mail has names, and to look for them costs.
    if (this.#used.size === 0) return;
    for (const name of message.quotas) this.#change(name, -recipients, -recipients * message.sizeBytes);
  }

  #change(name: string, count: number, bytes: number): void {
    const before = this.usedBy(name);
    const after = { count: before.count + count, bytes: before.bytes + bytes };
    if (after.count > 0) this.#used.set(name, after);
    else this.#used.delete(name);
  }
}
