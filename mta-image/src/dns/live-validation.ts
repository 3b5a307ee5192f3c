/** The name servers that are believed about DNSSEC, changed by a reload; what they said is kept while they stay. */
import type { Clock } from "#base/clock.ts";

import { TrustedServers, type ValidatedResolver } from "./validated-resolver.ts";

/** Mail can wait, connections should not. */
const TIMEOUT_MS = 3000;

export class LiveValidation {
  readonly #clock: Clock;
  readonly #servers: () => readonly string[];
  #inUse: { readonly key: string; readonly resolver: ValidatedResolver } | null = null;

  constructor(options: { readonly clock: Clock; readonly servers: () => readonly string[] }) {
    this.#clock = options.clock;
    this.#servers = options.servers;
  }

  /** Null when no server is configured. */
  get current(): ValidatedResolver | null {
    const servers = this.#servers();
    if (servers.length === 0) return null;
    const key = servers.join();
    if (this.#inUse?.key !== key) {
      const resolver = new TrustedServers({ clock: this.#clock, servers, timeoutMs: TIMEOUT_MS });
      this.#inUse = { key, resolver };
    }
    return this.#inUse.resolver;
  }
}
