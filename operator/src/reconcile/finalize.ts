/**
 * The finalizer: set before anything is made, taken away when the deletion policy has been carried out and nothing that it
 * speaks of is left. Since caches may lag, that is looked up live; what else belongs to the cluster goes before.
 */
import { finalizer } from "#crds/group.ts";
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";
import { resources } from "#operator/kube/objects.ts";

import type { Observed } from "./observe.ts";
import { isOurs } from "./ownership.ts";
import { leftovers, prune } from "./prune.ts";
import type { Writer } from "./writer.ts";

/** True when it was there already. */
export async function ensureFinalizer(writer: Writer, { object }: Observed): Promise<boolean> {
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return true;
  await writer.patchFinalizers(resources.mailClusters, object, [...finalizers, finalizer]);
  return false;
}

/** True when the resource may go and has been let go. */
export async function letGo(
  writer: Writer,
  observed: Pick<Observed, "key" | "object" | "deletion" | "owned">,
): Promise<boolean> {
  const { object, deletion, key } = observed;
  if (await isAnyLeft(writer, key, "pods")) return false;
  if (deletion !== "Orphan" && (await isAnyLeft(writer, key, "claims"))) return false;
  await prune(writer, leftovers(observed));
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return true;
  const others = finalizers.filter((each) => each !== finalizer);
  await writer.patchFinalizers(resources.mailClusters, object, others);
  return true;
}

async function isAnyLeft(writer: Writer, key: Observed["key"], kind: "pods" | "claims"): Promise<boolean> {
  const labelSelector = `${CLUSTER_LABEL}=${key.name}`;
  const page = await writer.kube.list(resources[kind], {
    namespace: key.namespace,
    labelSelector,
    limit: 500,
  });
  return page.continueToken !== null || page.items.some((item) => isOurs(item, key.name));
}
