/**
 * Annotations that have been obeyed are taken off, so that they cannot be obeyed again. Named slots that leave no more are
 * gone, or never left: the word must not take the next one of that number. An end of a roll-out must not end the next one;
 * it is spent when the status says it. A write that fails ends the pass, and the next one tries again.
 */
import { isDeepStrictEqual } from "node:util";

import { annotations } from "#crds/group.ts";
import { resources } from "#operator/kube/objects.ts";

import type { Judgement } from "./judge.ts";
import type { Observed } from "./observe.ts";
import type { Writer } from "./writer.ts";

export async function dropSpentWords(
  writer: Writer,
  { object, wishes, previous }: Observed,
  { decision, status }: Judgement,
): Promise<void> {
  const spent: Record<string, null> = {};
  const isMeant = decision.waiting.some(({ slot }) => wishes.forced.has(slot));
  if (wishes.forced.size > 0 && !isMeant) spent[annotations.forceDeleteSlot] = null;
  const isEnd = wishes.rollout === "promote" || wishes.rollout === "rollback";
  if (isEnd && isDeepStrictEqual(previous.rollout, status.rollout ?? undefined))
    spent[annotations.rollout] = null;
  if (Object.keys(spent).length > 0) await writer.patchAnnotations(resources.mailClusters, object, spent);
}
