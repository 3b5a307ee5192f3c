/**
 * What goes wrong between the operator and the API server, chosen by a number (pure): the same seed and the same
 * requests give the same faults. `Schedule` is asked once for each request and answers a fault or null; it counts what it
 * chose. It never fails.
 */
import { seededRandom } from "#base/random.ts";

export type RequestKind = "list" | "watch" | "get" | "write" | "lease";

export type Fault =
  /** The server hears of it later. */
  | { readonly kind: "delay"; readonly ms: number }
  /** The line breaks before the server hears of it. */
  | { readonly kind: "lose-request" }
  /** The server does it, and the line breaks before the answer. */
  | { readonly kind: "lose-answer" }
  /** The server gets it twice, as after a retry by something in between. */
  | { readonly kind: "repeat" }
  /** An error instead of an answer; the server does not hear of it. */
  | { readonly kind: "refuse"; readonly status: number }
  /** A list as it was some lists ago: another API server that lags. */
  | { readonly kind: "stale" }
  /** A watch that says nothing more and is cut in the middle of an event. */
  | { readonly kind: "break"; readonly ms: number }
  /** A watch that is told that its version is compacted away. */
  | { readonly kind: "expire" }
  /** A watch whose events all come twice. */
  | { readonly kind: "echo" }
  /** Every connection at once. */
  | { readonly kind: "cut-all" }
  /** The operator dies when the server has done this write, before it hears of it. */
  | { readonly kind: "kill" };

export type FaultKind = Fault["kind"];

const CHANCE: Readonly<Record<RequestKind, number>> = {
  list: 0.2,
  watch: 0.12,
  get: 0.25,
  write: 0.4,
  lease: 0.2,
};

const STATUSES: Readonly<Record<RequestKind, readonly number[]>> = {
  list: [410, 429, 500, 504],
  watch: [410, 429, 500, 504],
  get: [429, 500, 504],
  write: [409, 429, 500, 504],
  lease: [409, 500, 504],
};

const MENU: Readonly<Record<RequestKind, readonly FaultKind[]>> = {
  list: ["delay", "lose-request", "lose-answer", "refuse", "stale", "stale"],
  watch: ["refuse", "break", "break", "expire", "echo", "cut-all"],
  get: ["delay", "lose-request", "refuse"],
  write: [
    "delay",
    "lose-request",
    "lose-answer",
    "lose-answer",
    "repeat",
    "refuse",
    "refuse",
    "kill",
    "kill",
  ],
  lease: ["delay", "lose-answer", "refuse"],
};

const LONGEST_MS = 800;

export class Schedule {
  readonly #random: () => number;
  readonly #most: number;
  readonly #counts = new Map<FaultKind, number>();
  isOn = true;

  /** `most`: after so many faults nothing goes wrong any more. */
  constructor(seed: number, most: number) {
    this.#random = seededRandom(seed);
    this.#most = most;
  }

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** "refuse 7, kill 2". */
  get summary(): string {
    return [...this.#counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
  }

  next(kind: RequestKind): Fault | null {
    if (!this.isOn || this.count >= this.#most || this.#random() >= CHANCE[kind]) return null;
    const fault = this.#make(kind, this.#pick(MENU[kind]));
    this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1);
    return fault;
  }

  #make(request: RequestKind, kind: FaultKind): Fault {
    switch (kind) {
      case "delay":
      case "break":
        return { kind, ms: Math.round(this.#random() * LONGEST_MS) };
      case "refuse":
        return { kind, status: this.#pick(STATUSES[request]) };
      default:
        return { kind };
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}
