/**
 * Brings a revision to the engines that rollout/decide-push.ts chose, a few at a time: the one that the spec makes, or the
 * last good one where it is taken back. A refusal of the spec's is remembered, so that nobody is asked again for it. One that does not answer is asked in a
 * later pass. Never rejects.
 */
import { describe } from "#base/error.ts";
import { reloadableFiles, type RenderedConfig } from "#operator/desired/engine-config.ts";
import { decidePush, type PushTarget } from "#operator/rollout/decide-push.ts";
import { isFenced } from "#operator/slots/fence.ts";

import type { Judgement } from "./judge.ts";
import { addressOf, type Observed } from "./observe.ts";
import type { Tools } from "./tools.ts";

const AT_ONCE = 8;

/** How many engines answered, yes or no. */
export async function pushConfig(tools: Tools, observed: Observed, judgement: Judgement): Promise<number> {
  const { push, hashOf } = judgement;
  if (push === null) return 0;
  const { config: target, only } = push;
  // Fenced ones are left as they are.
  const slots = observed.slots.filter(({ slot }) => !isFenced(observed.wishes.fence, slot));
  const chosen = [...decidePush({ slots, revision: target.revision, hashOf, only })];
  let answered = 0;
  while (chosen.length > 0) {
    const batch = chosen.splice(0, AT_ONCE);
    const answers = await Promise.all(batch.map((each) => pushOne(tools, observed, each, target)));
    answered += answers.filter((answer) => answer !== null).length;
    if (answers.includes("refused")) break;
  }
  return answered;
}

async function pushOne(
  tools: Tools,
  observed: Observed,
  { pod }: PushTarget,
  target: RenderedConfig,
): Promise<"taken" | "refused" | null> {
  const { key, cluster, admin } = observed;
  const { revision } = target;
  try {
    const push = { revision, files: reloadableFiles(target) };
    const outcome = await tools.engines.push(addressOf(pod.ip ?? "", cluster, admin), push);
    tools.log.info({ ...key, pod: pod.name, revision, outcome: outcome.kind }, "config-pushed");
    if (outcome.kind === "taken") await tools.reports.askNow(pod.uid);
    else if (isOfSpec(observed, revision))
      tools.memory.of(key).refusal = { revision, problems: outcome.problems };
    return outcome.kind;
  } catch (error) {
    tools.log.warn({ ...key, pod: pod.name, revision, reason: describe(error) }, "config-not-pushed");
    return null;
  }
}

function isOfSpec({ rendering }: Observed, revision: string): boolean {
  return rendering.ok && rendering.config.revision === revision;
}
