/** An object that should be, and where its kind is served. */
import type { KubeObject, Resource } from "#operator/kube/kube.ts";

export interface PlannedObject {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** None for null: an object that is not wanted. */
export function planned(resource: Resource, object: KubeObject | null): PlannedObject[] {
  return object === null ? [] : [{ resource, object }];
}
