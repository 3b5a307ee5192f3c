/**
 * Takes away objects of a cluster that nothing wants any more: a Service of a kind that is not made now, ConfigMaps of
 * revisions that no pod was made with. Pods and claims are never pruned: only steps take those away.
 */
import { isStaleConfigMap } from "#operator/desired/config-map.ts";
import type { PlannedObject } from "#operator/desired/planned.ts";
import { ownedResources } from "#operator/cache/caches.ts";
import type { KubeObject, Resource } from "#operator/kube/kube.ts";
import { annotations } from "#crds/group.ts";
import type { ConfigMap } from "#operator/kube/objects.ts";

import type { Observed } from "./observe.ts";
import type { Owned, OwnedKind } from "./owned.ts";
import type { Writer } from "./writer.ts";

export interface Doomed {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** Removed with the plan; ConfigMaps have a rule of their own. */
const PLANNED: readonly OwnedKind[] = [
  "services",
  "disruptionBudgets",
  "networkPolicies",
  "secrets",
  "serviceAccounts",
  "deployments",
  "ingresses",
  "httpRoutes",
  "roleBindings",
  "roles",
];

/** Which objects may go (pure). `revisions` are wanted beside those that pods were made with. */
export function unwanted(
  observed: Observed,
  wanted: readonly PlannedObject[],
  revisions: readonly (string | null)[],
): readonly Doomed[] {
  const names = new Set(wanted.map(({ resource, object }) => `${resource.plural}/${object.metadata.name}`));
  const planned = PLANNED.flatMap((kind) => doomedOf(observed.owned, kind)).filter(
    ({ resource, object }) => !names.has(`${resource.plural}/${object.metadata.name}`),
  );
  const made = observed.owned.pods.map((pod) => pod.metadata.annotations?.[annotations.revision] ?? null);
  const inUse = new Set([...revisions, ...made].filter((revision) => revision !== null));
  const stale = doomedOf(observed.owned, "configMaps").filter(({ object }) =>
    isStaleConfigMap(observed.cluster, object as ConfigMap, { inUse }),
  );
  return [...planned, ...stale];
}

/** All that is left of a cluster whose slots are gone. Claims that policy Orphan leaves behind are not in it. */
export function leftovers({ owned }: Pick<Observed, "owned">): readonly Doomed[] {
  return [...PLANNED, "configMaps" as const].flatMap((kind) => doomedOf(owned, kind));
}

export async function prune(writer: Writer, doomed: readonly Doomed[]): Promise<void> {
  for (const { resource, object } of doomed) await writer.delete(resource, object);
}

function doomedOf(owned: Owned, kind: OwnedKind): Doomed[] {
  return owned[kind]
    .filter((object: KubeObject) => object.metadata.deletionTimestamp === undefined)
    .map((object: KubeObject) => ({ resource: ownedResources[kind], object }));
}
