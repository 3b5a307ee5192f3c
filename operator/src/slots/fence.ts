/**
 * Slots that people had fenced (pure): the engine takes no session and tries nothing, pod and volume stay as they are until
 * the annotation changes. So a fenced slot is not made anew, does not leave, and gets no configuration; a pod of it that
 * is lost comes back, and is fenced from its start by the mark in its volume.
 */
import type { ObservedPod } from "./observed.ts";
import { type GivenOrder, isUnder, orderOfFenced, type Peers } from "./orders.ts";
import type { Step } from "./steps.ts";

export interface Fence {
  readonly isAll: boolean;
  readonly slots: ReadonlySet<number>;
  /** What the annotation says that is no slot of this cluster, as it stands there. */
  readonly unread: readonly string[];
}

export const noFence: Fence = { isAll: false, slots: new Set(), unread: [] };

/** `3,5`, `["outbound-3"]` or `*`: the text of the annotation mailfleet.io/fenced. */
export function readFence(text: string | undefined, cluster: string): Fence {
  const items = (text ?? "")
    .slice(0, 4096)
    .split(",")
    .map((item) => item.replaceAll(/[\s"[\]]/g, ""))
    .filter((item) => item !== "");
  const slots = items.map((item) => slotIn(item, cluster));
  return {
    isAll: items.includes("*"),
    slots: new Set(slots.filter((slot) => slot !== null)),
    unread: items.filter((item, i) => slots[i] === null && item !== "*"),
  };
}

export function isFenced({ isAll, slots }: Fence, slot: number): boolean {
  return isAll || slots.has(slot);
}

/** Its engine is told, unless it is under that order. */
export function fence(
  slot: number,
  pod: ObservedPod,
  { given, peers }: { readonly given: ReadonlyMap<string, GivenOrder>; readonly peers: Peers },
): Step[] {
  if (pod.engine === null || pod.engine.state === "Stopping") return [];
  const order = orderOfFenced(slot, pod.engine, peers);
  return isUnder(pod, order, given) ? [] : [{ kind: "order", slot, pod, ...order }];
}

function slotIn(item: string, cluster: string): number | null {
  const number = item.startsWith(`${cluster}-`) ? item.slice(cluster.length + 1) : item;
  return /^\d{1,6}$/.test(number) ? Number(number) : null;
}
