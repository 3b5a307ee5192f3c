/** The objects of one cluster as the caches have them, by kind. */
import { BY_CLUSTER, type Caches, ownedResources } from "#operator/cache/caches.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import type { KubeObject, Resource } from "#operator/kube/kube.ts";

import { isOurs } from "./ownership.ts";

export type OwnedKind = keyof typeof ownedResources;
export type Owned = { readonly [K in OwnedKind]: ReturnType<Caches[K]["by"]> };

export function ownedBy(caches: Caches, cluster: Key): Owned {
  const kinds = Object.keys(ownedResources) as OwnedKind[];
  const entries = kinds.map((kind) => {
    const objects: readonly KubeObject[] = caches[kind].by(BY_CLUSTER, keyText(cluster));
    return [kind, objects.filter((object) => isOurs(object, cluster.name))] as const;
  });
  return Object.freeze(Object.fromEntries(entries)) as unknown as Owned;
}

/** All objects of the kind that `resource` is. */
export function ofResource(owned: Owned, resource: Resource): readonly KubeObject[] {
  const kind = (Object.keys(ownedResources) as OwnedKind[]).find(
    (each) => ownedResources[each].plural === resource.plural,
  );
  return kind === undefined ? [] : owned[kind];
}
