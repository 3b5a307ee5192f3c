/** What is decided from about the slots of a cluster; `reconcile/judge.ts` gathers it. */
import type { Fence } from "./fence.ts";
import type { IdentityPlan } from "./identities.ts";
import type { ObservedSlot } from "./observed.ts";
import type { GivenOrder } from "./orders.ts";
import type { Veto } from "./vetoes.ts";

export interface SlotInput {
  /** How many slots are wanted (slots/size.ts). */
  readonly size: number;
  readonly slots: readonly ObservedSlot[];
  /** Hash of the pod that the spec makes for a slot (desired/pod.ts). */
  readonly hashOf: (slot: number) => string;
  /**
   * all: pods may be made and made anew. create: missing ones only, since the spec's configuration is broken and
   * the last good one stands in. none: no configuration has ever been good.
   */
  readonly podChanges: "all" | "create" | "none";
  /** Why pods that exist are not made anew; null: they may be. */
  readonly heldBy: "ConfigNotGood" | "RolloutPaused" | "UpgradeTurn" | null;
  /** Edits are gathered (rollout/settle.ts): pods that work are not made anew yet. */
  readonly isSettling: boolean;
  /** What people switched off (slots/vetoes.ts). */
  readonly ignored: ReadonlySet<Veto>;
  readonly storageSize: string;
  readonly reclaim: "RetainUntilEmpty" | "Delete";
  /** The deletion policy while the MailCluster is being deleted, else null. */
  readonly deletion: "Drain" | "Orphan" | "Discard" | null;
  /** Which slots were leaving, and which the user names: choose.ts. */
  readonly leavingBefore: ReadonlySet<number>;
  readonly preferred: ReadonlySet<number>;
  /** Leaving slots whose mail the user gave up (annotation mailfleet.io/force-delete-slot). */
  readonly forced: ReadonlySet<number>;
  /** Slots that nobody touches (annotation mailfleet.io/fenced). */
  readonly fence: Fence;
  readonly drainTo: "Peers" | "None";
  /** Some node takes pods: those on nodes that are being emptied have somewhere to go. */
  readonly canMove: boolean;
  /** The order that each engine was given last, by uid of its pod. */
  readonly given: ReadonlyMap<string, GivenOrder>;
  /** By the monotonic clock, in milliseconds. `actingSince`: orders before were given by somebody else. */
  readonly now: number;
  readonly actingSince: number;
  /** By the wall clock, in milliseconds. */
  readonly wallMs: number;
  /** Null: the cluster has no identities, and pods need none. */
  readonly identities: IdentityPlan | null;
  /** Slots that may be made anew for what only a restart can change, while a roll-out is tried out; null: all. */
  readonly replaceable: ReadonlySet<number> | null;
  /** Slots whose pods hold a configuration that was taken back: one that ends over and over cannot be told so. */
  readonly unteachable: ReadonlySet<number>;
}
