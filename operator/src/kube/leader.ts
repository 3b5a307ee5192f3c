/**
 * One operator acts at a time: whoever holds the Lease. Renewed every two seconds; when no renewal succeeded for ten,
 * leadership is given up five seconds before anybody else may take it, by aborting `lost`. Everything that writes is
 * fenced with that signal (fenced.ts). A lease of another holder is taken once it has stood still for its full
 * duration by our own clock, so clocks need not agree. Released on a stop, so that hand-over takes a moment only.
 *
 * It needs a Kube with sockets of its own: a renewal must not wait behind other calls. Nothing in here throws; while
 * the API server is away it keeps asking.
 */
import { type Clock, sleep, type Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";

import type { Kube, Ref } from "./kube.ts";
import { microTime } from "./times.ts";
import { type Lease, resources } from "./objects.ts";

/** The values of controller-runtime: 15, 10 and 2 seconds. */
const LEASE_SECONDS = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2000;
/** A standby only reads: it may look more often, so that a lease that was given back is taken within a second or so. */
const LOOK_MS = 1000;

export interface LeaderOptions {
  readonly kube: Pick<Kube, "get" | "create" | "replace">;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Leader {
  readonly #options: LeaderOptions;
  readonly #lost = new AbortController();
  /** What was last seen of somebody else's lease, and when by our clock it last changed. */
  #seen: { readonly version: string; readonly at: number } | null = null;
  #held: Lease | null = null;
  #deadline: Timer | null = null;

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  /** Resolves with the signal that aborts when leadership ends, or with null when `stop` aborts first. */
  async acquire(stop: AbortSignal): Promise<AbortSignal | null> {
    while (!stop.aborted) {
      if (await this.#attempt()) {
        this.#options.log.info({ lease: this.#options.name }, "leader");
        void this.#renew();
        return this.#lost.signal;
      }
      await sleep(this.#options.clock, LOOK_MS * (1 + this.#options.random() * 0.2), stop);
    }
    return null;
  }

  /** Gives the lease back; resolves when that is tried. Everything that writes has stopped before. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#giveUp("released");
    if (held === null) return;
    const spec = { ...this.#spec(held), holderIdentity: "", leaseDurationSeconds: 1 };
    try {
      await this.#options.kube.replace(resources.leases, { ...held, spec });
    } catch (error) {
      this.#options.log.warn({ reason: describe(error) }, "lease-not-released");
    }
  }

  async #renew(): Promise<void> {
    while (!this.#lost.signal.aborted) {
      await sleep(this.#options.clock, RETRY_MS, this.#lost.signal);
      if (this.#lost.signal.aborted) return;
      const holdsOn = await this.#attempt();
      if (!holdsOn && this.#held === null) return this.#giveUp("the lease is held by somebody else");
    }
  }

  /** True when the lease is ours afterwards. On any failure nothing is known, and nothing changes. */
  async #attempt(): Promise<boolean> {
    const { clock, kube, log } = this.#options;
    // Counted from before the call: the server's answer may have been slow, its clock was not.
    const startedAt = clock.monotonic();
    try {
      const current = await kube.get<Lease>(this.#ref());
      if (current !== null && !this.#mayTake(current)) {
        this.#held = null;
        return false;
      }
      const spec = this.#spec(current);
      const lease: Lease = current === null ? { ...this.#empty(), spec } : { ...current, spec };
      const stored =
        current === null
          ? await kube.create(resources.leases, lease)
          : await kube.replace(resources.leases, lease);
      if (this.#lost.signal.aborted) return false;
      this.#held = stored;
      this.#extend(startedAt);
      return true;
    } catch (error) {
      log.warn({ lease: this.#options.name, reason: describe(error) }, "lease-attempt-failed");
      return false;
    }
  }

  #mayTake(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder === "" || holder === this.#options.identity) return true;
    const now = this.#options.clock.monotonic();
    const version = lease.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, at: now };
    return now - this.#seen.at > (lease.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1000;
  }

  #extend(startedAt: number): void {
    this.#deadline?.cancel();
    const left = startedAt + RENEW_DEADLINE_MS - this.#options.clock.monotonic();
    this.#deadline = this.#options.clock.after(left, () =>
      this.#giveUp(`not renewed for ${RENEW_DEADLINE_MS} ms`),
    );
  }

  #giveUp(reason: string): void {
    this.#deadline?.cancel();
    this.#held = null;
    if (!this.#lost.signal.aborted) this.#lost.abort(new Error(`leadership: ${reason}`));
  }

  #spec(current: Lease | null): NonNullable<Lease["spec"]> {
    const { identity, clock } = this.#options;
    const now = microTime(clock.now());
    const before = current?.spec;
    const isOurs = before?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
    };
  }

  #empty(): Lease {
    const { namespace, name } = this.#options;
    const { apiVersion, kind } = resources.leases;
    return { apiVersion, kind, metadata: { namespace, name } };
  }

  #ref(): Ref {
    const { namespace, name } = this.#options;
    return { resource: resources.leases, namespace, name };
  }
}
