/**
 * Who tries passwords: clients whose logins failed too often, over all their connections, are not listened to for a
 * while. An IPv6 client is counted by its /64, for it can have any address in it. Bounded: the client that was quiet
 * for longest is forgotten first. Never fails.
 */
import type { Clock } from "#base/clock.ts";

interface Record {
  failures: number;
  /** Monotonic ms; from then on it starts anew. */
  until: number;
}

const MOST_FAILURES = 10;
const WINDOW_MS = 10 * 60_000;
const MAX_CLIENTS = 50_000;

export class LoginGuard {
  readonly #clock: Clock;
  /** In order of last failure. */
  readonly #clients = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isBarred(ip: string): boolean {
    const record = this.#clients.get(clientOf(ip));
    return record !== undefined && record.failures >= MOST_FAILURES && this.#clock.monotonic() < record.until;
  }

  failed(ip: string): void {
    const client = clientOf(ip);
    const now = this.#clock.monotonic();
    const known = this.#clients.get(client);
    const failures = known !== undefined && now < known.until ? known.failures + 1 : 1;
    this.#clients.delete(client);
    this.#clients.set(client, { failures, until: now + WINDOW_MS });
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > MAX_CLIENTS && oldest !== undefined) this.#clients.delete(oldest);
  }

  succeeded(ip: string): void {
    this.#clients.delete(clientOf(ip));
  }
}

/** The /64 of an IPv6 address in any of its forms, else the address. */
function clientOf(ip: string): string {
  if (!ip.includes(":")) return ip;
  const [head = "", tail] = ip.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...new Array<string>(Math.max(0, gap)).fill("0"), ...after];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
