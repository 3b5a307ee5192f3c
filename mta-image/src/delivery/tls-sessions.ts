/**
 * TLS sessions to take up again (RFC 8446 2.2): one fewer round trip and no certificates on the next connection to the
 * same host. A session is known by everything that its handshake had to satisfy, so mail that needs a verified host
 * never rides on a session that was not verified. Bounded in number, and in age from the handshake that showed the
 * certificate: many hosts give a new session whenever one is taken up, and none of those shows a certificate
 * (RFC 8446 4.6.1). Never fails.
 */
import type { X509Certificate } from "node:crypto";

import type { Clock } from "#base/clock.ts";

/** What a host has shown; `unverified`: why that would not have been accepted if it had to be, null where it would. */
export interface Shown {
  readonly leaf: X509Certificate | null;
  readonly unverified: string | null;
}

/** No host shows its certificate again when a session is taken up, and no name is held against it: this is what it was. */
export interface KeptSession {
  readonly session: Buffer;
  readonly shown: Shown;
}

const MOST_SESSIONS = 2000;
const LIFE_MS = 600_000;

export class TlsSessions {
  readonly #clock: Clock;
  /** In order of coming, the oldest first. */
  readonly #sessions = new Map<string, { readonly kept: KeptSession; readonly until: number }>();
  /** Until when what was shown counts, on the clock that never goes back. */
  readonly #until = new WeakMap<Shown, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** May be taken up more than once: that this links our connections (RFC 8446 C.4) says nothing that EHLO does not. */
  find(key: string): KeptSession | null {
    const found = this.#sessions.get(key);
    return found !== undefined && found.until > this.#clock.monotonic() ? found.kept : null;
  }

  keep(key: string, kept: KeptSession): void {
    const until = this.#until.get(kept.shown) ?? this.#clock.monotonic() + this.#lifeOf(kept.shown);
    this.#until.set(kept.shown, until);
    this.#sessions.delete(key);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MOST_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(key, { kept, until });
  }

  /** A certificate that was good is so until it runs out. */
  #lifeOf({ leaf, unverified }: Shown): number {
    if (leaf === null || unverified !== null) return LIFE_MS;
    return Math.min(LIFE_MS, Date.parse(leaf.validTo) - this.#clock.now());
  }
}
