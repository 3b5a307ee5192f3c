/**
 * Posts batches of events to one receiver, the oldest first, until it says 2xx; signed as Standard Webhooks says when
 * there is a key. A receiver that is away costs nothing but disk: it is asked again after a while that grows to five
 * minutes. Events are gathered for a second, so a crash may lose that second of them, never mail. At least once: a
 * receiver knows by `webhook-id` what it had before. Nothing here rejects or throws; trouble is logged once an outage.
 */
import { createHmac } from "node:crypto";

import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import { isId, makeId, splitId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { Batches } from "./batches.ts";
import type { EventType, MailEvent } from "./mail-event.ts";

export interface WebhookOptions {
  readonly id: string;
  readonly url: string;
  /** Null: batches are not signed. */
  readonly secret: Buffer | null;
  readonly timeoutMs: number;
  readonly types: readonly EventType[];
  readonly batches: Batches;
  readonly clock: Clock;
  readonly log: Log;
}

const GATHER_MS = 1000;
const MOST_IN_BATCH = 1000;
/** Events in memory; beyond, while the disk is slow, they are dropped and counted. */
const MOST_GATHERED = 100_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;

export class WebhookSender {
  readonly #options: WebhookOptions;
  #gathered: MailEvent[] = [];
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  #sending: Promise<void> | null = null;
  #waitMs = FIRST_WAIT_MS;
  #retry: Timer | null = null;
  readonly #closing = new AbortController();
  sent = 0;
  failures = 0;
  #dropped = 0;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#send();
  }

  get id(): string {
    return this.#options.id;
  }

  /** Events and batches that were given up. */
  get dropped(): number {
    return this.#dropped + this.#options.batches.dropped;
  }

  get pendingBytes(): number {
    return this.#options.batches.bytes;
  }

  push(event: MailEvent): void {
    const { types, clock } = this.#options;
    if (!types.includes(event.type)) return;
    if (this.#gathered.length >= MOST_GATHERED) {
      this.#dropped++;
      return;
    }
    this.#gathered.push(event);
    this.#timer ??= clock.after(GATHER_MS, () => this.#flush());
  }

  /** Writes down what is gathered; what is not sent yet stays on disk for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#retry?.cancel();
    this.#flush();
    await this.#writing;
    await this.#sending;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const events = this.#gathered;
    this.#gathered = [];
    this.#writing = this.#writing.then(() => this.#write(events)).then(() => this.#send());
  }

  async #write(events: readonly MailEvent[]): Promise<void> {
    const { batches, clock, log, id } = this.#options;
    for (let i = 0; i < events.length; i += MOST_IN_BATCH) {
      const part = events.slice(i, i + MOST_IN_BATCH);
      try {
        await batches.add(idBehind(batches.last, clock.now()), JSON.stringify(part));
      } catch (error) {
        this.#dropped += part.length;
        log.error({ webhook: id, events: part.length, error: describe(error) }, "events-not-written");
      }
    }
  }

  /** One at a time; does nothing while a receiver that failed is given time. */
  #send(): void {
    if (this.#sending !== null || this.#retry !== null || this.#closing.signal.aborted) return;
    const next = this.#options.batches.first;
    if (next === null) return;
    this.#sending = this.#deliver(next).then((isSent) => {
      this.#sending = null;
      if (isSent) this.#send();
      else this.#waitAndSend();
    });
  }

  #waitAndSend(): void {
    if (this.#closing.signal.aborted) return;
    this.#retry = this.#options.clock.after(this.#waitMs, () => {
      this.#retry = null;
      this.#send();
    });
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }

  async #deliver(batch: string): Promise<boolean> {
    const { batches, log, id } = this.#options;
    try {
      const text = await batches.read(batch);
      if (text === null) {
        log.error({ webhook: id, batch }, "events-lost");
        return true;
      }
      await this.#post(batch, text);
      await batches.remove(batch);
    } catch (error) {
      if (this.#closing.signal.aborted) return false;
      this.failures++;
      if (this.#waitMs === FIRST_WAIT_MS) log.warn({ webhook: id, error: describe(error) }, "webhook-failed");
      return false;
    }
    if (this.#waitMs > FIRST_WAIT_MS) log.info({ webhook: id }, "webhook-works-again");
    this.#waitMs = FIRST_WAIT_MS;
    this.sent++;
    return true;
  }

  async #post(batch: string, body: string): Promise<void> {
    const { url, timeoutMs, clock, secret } = this.#options;
    const timestamp = Math.floor(clock.now() / 1000);
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "webhook-id": batch,
      "webhook-timestamp": String(timestamp),
    };
    if (secret !== null) headers["webhook-signature"] = sign(secret, `${batch}.${timestamp}.${body}`);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }
}

/** Names are the order after a restart, so that they never go back as a clock may. */
function idBehind(last: string | null, now: number): string {
  return makeId(last === null || !isId(last) ? now : Math.max(now, splitId(last).ms + 1));
}

/** Standard Webhooks 1.0: HMAC-SHA-256 over id, time and body. */
export function sign(secret: Buffer, text: string): string {
  return `v1,${createHmac("sha256", secret).update(text).digest("base64")}`;
}

/** `whsec_` and base64, or any text as it is. */
export function readSecret(text: string): Buffer {
  const trimmed = text.trim();
  return trimmed.startsWith("whsec_") ? Buffer.from(trimmed.slice(6), "base64") : Buffer.from(trimmed);
}
