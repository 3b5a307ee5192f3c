/**
 * What the log says of http() that gave a script none: which server it was, and why. A server that is away, or that answers every
 * message with 404, is asked for each: the same is said once a minute, with how often it was left out since. URLs hold
 * tokens and people's addresses, so only the origin is named. Bounded in entries and in length; never throws.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import type { NoResult } from "../script/http-port.ts";

const QUIET_MS = 60_000;
const MOST_KINDS = 1000;
const LONGEST_TEXT = 300;
const MOST_READ = 1000;

interface Kind {
  readonly saidMs: number;
  leftOut: number;
}

export class NoResults {
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  /** In the order in which they were said. */
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock, log: Log | undefined) {
    this.#clock = clock;
    this.#log = log;
  }

  note({ url, why }: NoResult): void {
    const origin = url?.origin ?? "";
    const about = "error" in why ? withoutSecrets(why.error) : String(why.status);
    const more = this.#leftOut(`${origin} ${about}`);
    if (more === null) return;
    if ("error" in why) this.#log?.warn({ url: origin, error: about, more }, "http-no-answer");
    else this.#log?.info({ url: origin, status: why.status, more }, "http-no-result");
  }

  /** How often the same was left out since it was last said; null when this one is left out, too. */
  #leftOut(key: string): number | null {
    const now = this.#clock.monotonic();
    const known = this.#kinds.get(key);
    if (known !== undefined && now - known.saidMs < QUIET_MS) {
      known.leftOut++;
      return null;
    }
    this.#kinds.delete(key);
    const [oldest] = this.#kinds.keys();
    if (oldest !== undefined && this.#kinds.size >= MOST_KINDS) this.#kinds.delete(oldest);
    this.#kinds.set(key, { saidMs: now, leftOut: 0 });
    return known?.leftOut ?? 0;
  }
}

/** What a library says of its trouble may repeat a URL, such as that of a proxy with its login. */
function withoutSecrets(text: string): string {
  const url = /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#]*@)?([^\s/?#]*)\S*/gi;
  return text.slice(0, MOST_READ).replace(url, "$1$2").slice(0, LONGEST_TEXT);
}
