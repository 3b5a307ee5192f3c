/** Fenced (pure): the slots that people took out by the annotation mailfleet.io/fenced, and whether their engines obey. */
import { isFenced } from "#operator/slots/fence.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

export function fenced({ decision, slots }: Judged): VerdictOn<"Fenced"> {
  const { fence } = decision;
  const present = slots.filter(({ slot }) => isFenced(fence, slot));
  const numbers = new Set(slots.map(({ slot }) => slot));
  const strange = [...fence.unread, ...[...fence.slots].filter((slot) => !numbers.has(slot))];
  if (strange.length > 0) {
    const message = `the annotation mailfleet.io/fenced names ${listed(strange.map((each) => `"${each}"`))}: there is no such slot; write numbers of slots or names of pods, such as 3,5, or *`;
    return { status: "Unknown", reason: "NoSuchSlot", message };
  }
  if (present.length === 0) return { status: "False", reason: "NotFenced", message: "no slot is fenced" };
  const open = present.filter(({ pod }) => pod !== null && pod.engine?.state !== "Fenced");
  if (open.length > 0) {
    const message = `not yet told, or no answer: ${listed(open.map(({ slot }) => `slot ${slot}`))}`;
    return { status: "False", reason: "Fencing", message };
  }
  const message = `${listed(present.map(({ slot }) => `slot ${slot}`))}: no mail is taken or tried, and nothing of it is touched, until the annotation mailfleet.io/fenced changes`;
  return { status: "True", reason: "Fenced", message };
}
