/**
 * Looks at the live MailCluster before something is taken away: a cache may be behind by as long as a line is silent, and
 * in that time somebody may have paused the cluster, fenced the slot or asked for more pods. Spec, annotations and deletion are
 * what people wish by; a status that was written meanwhile is our own and changes nothing.
 */
import { isDeepStrictEqual } from "node:util";

import { resources } from "#operator/kube/objects.ts";
import type { Step } from "#operator/slots/steps.ts";

import type { Observed } from "./observe.ts";
import type { Writer } from "./writer.ts";

const TAKES_AWAY: ReadonlySet<Step["kind"]> = new Set(["delete-pod", "delete-claim", "release", "sleep"]);

/** False: judge again before this step is taken. */
export async function isStillWished(
  { kind }: Step,
  writer: Writer,
  { key, object }: Observed,
): Promise<boolean> {
  if (!TAKES_AWAY.has(kind)) return true;
  const live = await writer.kube.get({ resource: resources.mailClusters, ...key });
  if (live === null) return false;
  const [now, judged] = [live.metadata, object.metadata];
  return (
    now.uid === judged.uid &&
    now.generation === judged.generation &&
    now.deletionTimestamp === judged.deletionTimestamp &&
    isDeepStrictEqual(now.annotations ?? {}, judged.annotations ?? {})
  );
}
