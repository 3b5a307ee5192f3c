/**
 * Posts spans in batches. Spans are a convenience: a receiver that is slow or away costs spans, which are counted, and
 * never memory without bound or a moment of the mail path. A batch is tried twice where the answer says that it may be
 * (OTLP/HTTP: 429, 502, 503, 504, or none at all). The HTTP client is loaded with the first batch. Never rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { type Resource, type Span, exportRequest } from "./otlp.ts";

export interface ExporterOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Resource;
  readonly clock: Clock;
  readonly log: Log;
}

const MOST_WAITING = 4096;
const BATCH = 512;
const GATHER_MS = 2000;
const POST_MS = 10_000;
const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export class Exporter {
  readonly #options: ExporterOptions;
  #waiting: Span[] = [];
  #timer: Timer | null = null;
  #sending: Promise<void> | null = null;
  sent = 0;
  dropped = 0;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  add(span: Span): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push(span);
    this.#timer ??= this.#options.clock.after(GATHER_MS, () => void this.flush());
  }

  /** Resolves when all that waited is sent or given up. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const body = exportRequest(batch, this.#options.resource);
      let trouble = await this.#post(body);
      if (trouble?.mayRepeat === true) trouble = await this.#post(body);
      if (trouble === null) this.sent += batch.length;
      else {
        this.dropped += batch.length;
        this.#options.log.warn({ spans: batch.length, error: trouble.text }, "spans-dropped");
      }
    }
  }

  /** Null when it was taken. */
  async #post(body: string): Promise<{ readonly text: string; readonly mayRepeat: boolean } | null> {
    const { endpoint, headers } = this.#options;
    try {
      const { request } = await import("undici");
      const answer = await request(endpoint, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(POST_MS),
      });
      await answer.body.dump();
      const { statusCode } = answer;
      if (statusCode < 300) return null;
      return { text: `HTTP ${statusCode}`, mayRepeat: RETRIED.has(statusCode) };
    } catch (error) {
      return { text: describe(error), mayRepeat: true };
    }
  }
}
