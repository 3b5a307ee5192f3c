/**
 * What the operator remembers of a cluster between passes and loses when it starts anew. Nothing in here decides
 * whether mail is safe: what is not remembered is asked or ordered again, waited for again, or watched again.
 */
import type { Problem } from "#contract/admin-api.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import type { PodEnd } from "#operator/plugins/crashes.ts";
import type { Bake } from "#operator/rollout/canary.ts";
import type { Edits } from "#operator/rollout/settle.ts";
import type { History } from "#operator/scaling/limits.ts";
import type { GivenOrder } from "#operator/slots/orders.ts";

import type { NotedShare } from "./share-notes.ts";
import { Refusals } from "./refusals.ts";
import type { ProbeNote } from "#operator/spamhaus/decide.ts";

/** An engine's no to a revision. */
export interface Refusal {
  readonly revision: string;
  readonly problems: readonly Problem[];
}

/** The last order to an engine to spread its mail. */
export interface SpreadNote {
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  /** What it had spread until then. */
  readonly spreadBefore: number;
  readonly isTaken: boolean;
}

export interface ClusterMemory {
  refusal: Refusal | null;
  /** Writes that the API server refuses. */
  readonly refusals: Refusals;
  /** Orders to engines, by uid of the pod. */
  readonly orders: Map<string, GivenOrder>;
  /** By uid of the pod that gave. */
  readonly spread: Map<string, SpreadNote>;
  /** While mail is being spread the autoscaler takes no pod away; by the monotonic clock, in milliseconds. */
  sizeHeldUntil: number;
  /** The shares that engines have (slots/shares.ts), by uid of the pod. */
  readonly shares: Map<string, NotedShare>;
  /** How often what limits leave over has moved on, and when it did last, by the monotonic clock; null: nobody knows. */
  turn: { readonly count: number; readonly at: number } | null;
  /** What engines said when a key for Spamhaus was tried out. */
  probe: ProbeNote | null;
  /** Pods whose engine a plugin has ended, by uid: they may be gone before the plugin's pass looks. */
  readonly crashed: Map<string, PodEnd>;
  /** What canary pods are compared with. */
  bake: Bake | null;
  /** Edits that are being gathered before pods are made anew; null: all pods are as wanted. */
  edits: Edits | null;
  /** Hash of the listeners' certificates, and when engines should read them again; null: they have. */
  certificates: { readonly hash: string; readonly dueAt: number | null } | null;
  /** Whether the operator itself makes its pods anew, as of the spec that it was found for; null: nobody has looked. */
  upgrade: { readonly generation: number; readonly isDue: boolean } | null;
  /** The autoscaler's wishes and changes, and the size that it followed last. */
  scaling: { readonly history: History; readonly size: number } | null;
}

export class Memory {
  /** By the monotonic clock: orders before were given by somebody else. */
  readonly actingSince: number;
  readonly #clusters = new Map<string, ClusterMemory>();

  constructor(actingSince: number) {
    this.actingSince = actingSince;
  }

  of(cluster: Key): ClusterMemory {
    const id = keyText(cluster);
    const known = this.#clusters.get(id);
    if (known !== undefined) return known;
    const fresh: ClusterMemory = {
      refusal: null,
      refusals: new Refusals(),
      orders: new Map(),
      spread: new Map(),
      sizeHeldUntil: Number.NEGATIVE_INFINITY,
      shares: new Map(),
      turn: null,
      crashed: new Map(),
      bake: null,
      edits: null,
      probe: null,
      certificates: null,
      upgrade: null,
      scaling: null,
    };
    this.#clusters.set(id, fresh);
    return fresh;
  }

  forget(cluster: Key): void {
    this.#clusters.delete(keyText(cluster));
  }
}
