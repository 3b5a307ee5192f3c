/**
 * Lets passwords through one after the other: hashing is made slow on purpose, so only two run at once and few wait,
 * and a name that was tried in vain too often has to wait as well, wherever the attempts come from. Bounds by address
 * stand in app.ts.
 */
import type { Clock } from "#base/clock.ts";
import { Turnstile } from "#base/turnstile.ts";

import type { User, Users } from "./users.ts";

const AT_ONCE = 2;
const WAITING = 20;
const FAILURES = 20;
const WINDOW_MS = 15 * 60_000;
/** Names that are remembered; more than these at once are an attack in itself. */
const MAX_NAMES = 10_000;

export class PasswordGate {
  readonly #users: Pick<Users, "check">;
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; since: number }>();
  readonly #turnstile = new Turnstile(AT_ONCE);

  constructor(users: Pick<Users, "check">, clock: Clock) {
    this.#users = users;
    this.#clock = clock;
  }

  /** Null: wrong. */
  async check(name: string, password: string): Promise<User | null | "busy"> {
    if (this.#isShut(name) || this.#turnstile.waiting >= WAITING) return "busy";
    const user = await this.#turnstile.pass(() => this.#users.check(name, password));
    if (user === null) this.#failed(name);
    return user;
  }

  #isShut(name: string): boolean {
    const failed = this.#failures.get(name);
    if (failed === undefined) return false;
    if (this.#clock.monotonic() - failed.since > WINDOW_MS) this.#failures.delete(name);
    else return failed.count >= FAILURES;
    return false;
  }

  #failed(name: string): void {
    const failed = this.#failures.get(name);
    if (failed !== undefined) failed.count++;
    else if (this.#failures.size < MAX_NAMES)
      this.#failures.set(name, { count: 1, since: this.#clock.monotonic() });
    else this.#failures.clear();
  }
}
