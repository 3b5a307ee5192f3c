/**
 * Writes a status when it says something new, never else: an idle cluster is not written to. The write is guarded by
 * uid, so the status of a deleted resource is not written onto its successor.
 */
import { isDeepStrictEqual } from "node:util";

import type { KubeObject, Resource } from "#operator/kube/kube.ts";

import type { Writer } from "./writer.ts";

export async function writeStatus(
  writer: Writer,
  resource: Resource,
  object: KubeObject & { readonly status?: unknown },
  status: unknown,
): Promise<boolean> {
  const plain: unknown = JSON.parse(JSON.stringify(status));
  if (isDeepStrictEqual(plain, object.status)) return false;
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  const target = { apiVersion, kind, metadata: { name, namespace, uid }, status: plain } as KubeObject;
  await writer.applyStatus(resource, target);
  return true;
}
