/**
 * Who gets no mail any more, by tenant: asked before each attempt, taught by hard bounces and complaints, changed by
 * administrators. Off, and without a file, while the configuration has no `suppression`. What is learned is written
 * within a second, and holds from the moment on; a crash may lose that second. Addresses are compared in lower case, domains
 * in A-labels.
 * What other engines of the cluster know comes by `merge` (sharing.ts).
 */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import type { Clock, Timer } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type {
  SuppressionAdd,
  SuppressionDelete,
  SuppressionPage,
  SuppressionQuery,
} from "#contract/suppression-api.ts";
import type { SuppressionConfig } from "#contract/suppression-config.ts";
import type { Changes, ChangesQuery } from "#contract/suppression-sharing.ts";

import { withAsciiDomain } from "../message/envelope.ts";
import { type Bounds, type Suppression, SuppressionStore, isOfNoTime } from "./suppression-store.ts";

export interface SuppressionListOptions {
  /** Of the spool. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

const WRITE_AFTER_MS = 1000;
/** Rows that are written in one piece, for which all else waits. Learned and not written: beyond it, they are. */
const MOST_AT_ONCE = 200;

export class SuppressionList {
  readonly #options: SuppressionListOptions;
  #config: SuppressionConfig | null = null;
  #store: SuppressionStore | null = null;
  readonly #pending = new Map<string, Suppression>();
  #timer: Timer | null = null;

  constructor(options: SuppressionListOptions) {
    this.#options = options;
  }

  /** Throws a Failure `suppression-broken`. */
  configure(config: SuppressionConfig | undefined): void {
    this.#config = config ?? null;
    if (config === undefined) this.close();
    else this.#store ??= new SuppressionStore(join(this.#options.folder, "suppressions.db"));
  }

  get isOn(): boolean {
    return this.#store !== null;
  }

  /** Recipients on the list; null while it is off. */
  get size(): number | null {
    return this.#store === null ? null : this.#store.count + this.#pending.size;
  }

  /** Why a recipient gets nothing, or null. Throws a Failure `suppression-broken`. */
  find(tenant: string, recipient: string): Suppression | null {
    if (this.#store === null) return null;
    const address = spelled(recipient);
    const now = this.#options.clock.now();
    for (const name of tenant === "" ? [""] : [tenant, ""]) {
      const found = this.#pending.get(keyOf(name, address)) ?? this.#store.find(name, address, now);
      if (found !== null) return this.#dated(found, now);
    }
    return null;
  }

  /** One that was learned while the clock was far ahead has its time from now on: it would stay for years. */
  #dated(row: Suppression, now: number): Suppression {
    if (row.until === null || !isOfNoTime(row.since, now)) return row;
    const dated = { ...row, since: now, until: now + row.until - row.since };
    this.#writeSoon(dated);
    return dated;
  }

  /** A recipient failed for good, for a reason of a class. */
  failed(tenant: string, recipient: string, reason: string): void {
    if (this.#config?.classes.includes(reason) === true)
      this.#learn({ tenant, address: spelled(recipient), reason, source: "bounce" });
  }

  complained(tenant: string, recipient: string): void {
    this.#learn({ tenant, address: spelled(recipient), reason: "complaint", source: "complaint" });
  }

  /** A long order is written in parts: of one that rejects, those before may be there. */
  async add({ tenant, addresses, reason, ttl }: SuppressionAdd): Promise<number> {
    const since = this.#options.clock.now();
    const until = ttl === 0 ? null : since + ttl * 1000;
    const added = await this.#inParts(addresses, ({ store, bounds }, part) =>
      store.add(
        part.map((address) => ({ tenant, address, reason, source: "api", since, until })),
        bounds,
      ),
    );
    if (added === addresses.length) return added;
    const { max } = this.#on().config;
    throw new Failure(
      "suppression-full",
      `only ${added} of ${addresses.length} fit: suppression.max is ${max}`,
    );
  }

  /** In parts, as `add`. */
  delete({ tenant, addresses }: SuppressionDelete): Promise<number> {
    return this.#inParts(addresses, ({ store, bounds }, part) => store.delete(tenant, part, bounds));
  }

  async #inParts(
    addresses: readonly string[],
    change: (on: { readonly store: SuppressionStore; readonly bounds: Bounds }, part: string[]) => number,
  ): Promise<number> {
    let changed = 0;
    for (let at = 0; at < addresses.length; at += MOST_AT_ONCE) {
      if (at > 0) await setImmediate();
      const { store, config } = this.#on();
      this.#write();
      const part = addresses.slice(at, at + MOST_AT_ONCE).map(spelled);
      changed += change({ store, bounds: { max: config.max, now: this.#options.clock.now() } }, part);
    }
    return changed;
  }

  page({ tenant, address, limit, after }: SuppressionQuery): SuppressionPage {
    const { store } = this.#on();
    this.#write();
    const [first = "", ...rest] = (after ?? "").split(" ");
    const found = store.page({
      tenant: tenant ?? null,
      address: address === undefined ? null : spelled(address),
      after: [decodeURIComponent(first), rest.join(" ")],
      limit: limit + 1,
      now: this.#options.clock.now(),
    });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    const next =
      found.length > limit && last !== undefined
        ? `${encodeURIComponent(last.tenant)} ${last.address}`
        : null;
    return { entries: shown.map(describeRow), next };
  }

  /** Something was learned or ordered here that no other engine has fetched. */
  get isUnshared(): boolean {
    return this.#pending.size > 0 || this.#store?.isUnshared === true;
  }

  /** What another engine has not seen yet. */
  changes(query: ChangesQuery): Changes {
    const { store } = this.#on();
    this.#write();
    return store.changes(query);
  }

  readTo(source: string): ChangesQuery {
    return this.#on().store.readTo(source);
  }

  /** What another engine has learned. What finds no room is left out, and that is logged. */
  merge(source: string, changes: Changes): void {
    const { store, config } = this.#on();
    const left = store.merge(source, changes, { max: config.max, now: this.#options.clock.now() });
    if (left > 0) this.#options.log.warn({ left }, "suppression-list-full");
  }

  close(): void {
    this.#write();
    this.#store?.close();
    this.#store = null;
  }

  #on(): { readonly store: SuppressionStore; readonly config: SuppressionConfig } {
    if (this.#store === null || this.#config === null)
      throw new Failure("suppression-off", "the configuration has no suppression");
    return { store: this.#store, config: this.#config };
  }

  #learn(facts: Omit<Suppression, "since" | "until">): void {
    if (this.#store === null || this.#config === null) return;
    const now = this.#options.clock.now();
    this.#writeSoon({ ...facts, since: now, until: now + this.#config.for });
  }

  #writeSoon(row: Suppression): void {
    this.#pending.set(keyOf(row.tenant, row.address), row);
    if (this.#pending.size >= MOST_AT_ONCE) this.#write();
    else this.#timer ??= this.#options.clock.after(WRITE_AFTER_MS, () => this.#write());
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#pending.size === 0 || this.#store === null || this.#config === null) return;
    const { clock, log } = this.#options;
    const rows = [...this.#pending.values()];
    this.#pending.clear();
    try {
      const written = this.#store.add(rows, { max: this.#config.max, now: clock.now() });
      if (written < rows.length) log.warn({ left: rows.length - written }, "suppression-list-full");
    } catch (error) {
      log.error({ lost: rows.length, error: describe(error) }, "suppressions-not-written");
    }
  }
}

/** One spelling whatever the case of letters, and whichever way a domain beyond ASCII is written. */
function spelled(address: string): string {
  return withAsciiDomain(address).toLowerCase();
}

function keyOf(tenant: string, address: string): string {
  return `${tenant}\0${address}`;
}

function describeRow({ since, until, ...row }: Suppression): SuppressionPage["entries"][number] {
  return {
    ...row,
    since: new Date(since).toISOString(),
    until: until === null ? null : new Date(until).toISOString(),
  };
}
