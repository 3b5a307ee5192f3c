/** URLs of the Kubernetes API (pure): resource, namespace and name to a path. Names from outside are escaped. */
import type { Resource } from "./kube.ts";

export interface Target {
  readonly resource: Resource;
  /** "" for all namespaces or a cluster-scoped kind. */
  readonly namespace: string;
  readonly name?: string;
  readonly subresource?: "status";
}

export function pathOf(target: Target, query: Readonly<Record<string, string | undefined>> = {}): string {
  const { resource, namespace, name, subresource } = target;
  const parts = [groupPath(resource.apiVersion)];
  if (resource.namespaced && namespace !== "") parts.push(`namespaces/${encodeURIComponent(namespace)}`);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, value);
  return search.size === 0 ? parts.join("/") : `${parts.join("/")}?${search.toString()}`;
}

/** "v1" is the legacy group under /api, everything else lives under /apis. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
