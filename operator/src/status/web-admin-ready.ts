/**
 * WebAdminReady (pure): the pods of the web administration, as their Deployment tells. Null where none is wanted: the
 * condition is absent then. It is no part of Ready, since mail goes on without the pages.
 */
import type { Condition, Deployment } from "#operator/kube/objects.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

type Verdict = VerdictOn<"WebAdminReady">;

export function webAdminReady({ spec, web, refused }: Judged): Verdict | null {
  if (web === null) return null;
  const { replicas } = spec.webAdmin;
  if (web.image === "")
    return no("ImageUnknown", "set webAdmin.image, or start the operator with --web-image");
  if (web.deployment === null) {
    const words = refused.filter(({ kind }) => kind === "apply").map(({ message }) => message);
    return words.length > 0
      ? no("NotReady", listed(words))
      : no("Progressing", "its Deployment is being made");
  }
  if (replicas === 0) return { status: "True", reason: "NoPodsWanted", message: "webAdmin.replicas is 0" };
  return ofPods(web.deployment, replicas);
}

function ofPods(deployment: Deployment, wanted: number): Verdict {
  const { status = {}, metadata } = deployment;
  const { updatedReplicas: updated = 0, replicas = 0, availableReplicas = 0 } = status;
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  // Pods of the version before answer for those that are missing, but are not what is wanted.
  const ready = isSeen ? Math.min(updated, availableReplicas, wanted) : 0;
  const figures = `${ready} of ${wanted} pods are ready`;
  if (isSeen && ready === wanted && replicas === updated)
    return { status: "True", reason: "Ready", message: figures };
  const failure = isSeen ? failureIn(status.conditions ?? [], availableReplicas) : null;
  if (failure !== null) return no("NotReady", `${figures}; ${failure}`);
  return no("Progressing", figures);
}

/** Kubernetes' words for pods that cannot be made or took too long; or that the last one has gone. */
function failureIn(conditions: readonly Condition[], available: number): string | null {
  const find = (type: string): Condition | undefined => conditions.find((each) => each.type === type);
  const refusal = find("ReplicaFailure");
  if (refusal?.status === "True") return wordsOf(refusal);
  const progress = find("Progressing");
  if (progress?.status === "False") return wordsOf(progress);
  // The Deployment counts as rolled out, so pods have been ready. While one is, others may come and go.
  if (progress?.reason !== "NewReplicaSetAvailable" || available > 0) return null;
  return "no pod is ready any more";
}

function wordsOf({ reason, message }: Condition): string {
  return [reason, message].filter((text) => text !== undefined && text !== "").join(": ");
}

function no(reason: Exclude<Verdict["reason"], "Ready" | "NoPodsWanted">, message: string): Verdict {
  return { status: "False", reason, message };
}
