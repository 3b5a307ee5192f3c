/**
 * What people ask of a cluster by annotations (pure). What cannot be read asks for nothing: an annotation has no
 * schema that could refuse it.
 */
import { annotations as keys } from "#crds/group.ts";
import type { ObjectMeta } from "#operator/kube/kube.ts";
import { type RolloutOrder, rolloutOrders } from "#operator/rollout/decide-rollout.ts";
import { type Fence, readFence } from "#operator/slots/fence.ts";
import { ignorable, type Veto } from "#operator/slots/vetoes.ts";

export interface Wishes {
  readonly isPaused: boolean;
  readonly isHibernating: boolean;
  /** What becomes of the roll-out that is under way; null: it takes its course. */
  readonly rollout: RolloutOrder | null;
  /** Pods that were made with another text are made anew; null: none is asked for. */
  readonly restart: string | null;
  /** Slots that leave first when the cluster shrinks. */
  readonly preferred: ReadonlySet<number>;
  /** Leaving slots whose mail is given up. */
  readonly forced: ReadonlySet<number>;
  /** Slots that serve nobody and that nobody touches. */
  readonly fence: Fence;
  /** What is not to keep pods from being made anew. */
  readonly ignored: ReadonlySet<Veto>;
}

export function wishesOf({ name, annotations = {} }: ObjectMeta): Wishes {
  return {
    isPaused: annotations[keys.paused] === "true",
    isHibernating: annotations[keys.hibernate] === "true",
    rollout: rolloutOrders.find((order) => order === annotations[keys.rollout]) ?? null,
    restart: annotations[keys.restart]?.slice(0, 256) || null,
    preferred: slotsIn(annotations[keys.removeSlots]),
    forced: slotsIn(annotations[keys.forceDeleteSlot]),
    fence: readFence(annotations[keys.fenced], name),
    ignored: vetoesIn(annotations[keys.ignoreVetoes]),
  };
}

function vetoesIn(text: string | undefined): ReadonlySet<Veto> {
  const items = (text ?? "").slice(0, 4096).split(",");
  const names = new Set(items.map((name) => name.trim()));
  return new Set(ignorable.filter((veto) => names.has(veto)));
}

/** "2,5". */
function slotsIn(text: string | undefined): ReadonlySet<number> {
  const items = (text ?? "").slice(0, 4096).split(",");
  return new Set(items.flatMap((item) => (/^\s*\d{1,6}\s*$/.test(item) ? [Number(item)] : [])));
}
