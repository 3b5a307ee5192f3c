/**
 * Which changes are worth a pass (pure). Most updates are: only the operator's own status writes and pure
 * heartbeats are not. In doubt a pass is run: it costs little and writes nothing when nothing differs.
 */
import { isDeepStrictEqual } from "node:util";

import type { Change } from "#operator/cache/store.ts";
import type { KubeObject } from "#operator/kube/kube.ts";

/** For custom resources: spec, labels, annotations, finalizers or deletion, but not status. */
export function changesIntent(change: Change<KubeObject>): boolean {
  if (change.kind !== "updated") return true;
  const [now, before] = [change.object.metadata, change.before.metadata];
  return (
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    !isDeepStrictEqual(now.labels, before.labels) ||
    !isDeepStrictEqual(now.annotations, before.annotations) ||
    !isDeepStrictEqual(now.finalizers, before.finalizers)
  );
}

/** For owned objects: anything beyond the version number. */
export function changesContent(change: Change<KubeObject>): boolean {
  if (change.kind !== "updated") return true;
  return !isDeepStrictEqual(withoutVersion(change.object), withoutVersion(change.before));
}

function withoutVersion(object: KubeObject): unknown {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
