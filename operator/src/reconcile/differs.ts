/**
 * Whether an object has to be applied (pure). Two questions: was this very intent what we applied last (a hash in an
 * annotation, so that fields we no longer mention count), and does the object still hold it (so that what somebody
 * changed is put right). What the server filled in besides does not count. Both yes: nothing is written.
 */
import { group } from "#crds/group.ts";
import { hashValue } from "#operator/desired/hash.ts";
import type { KubeObject } from "#operator/kube/kube.ts";

const APPLIED = `${group}/applied-hash`;

/** The object as it is sent: with the hash of itself. */
export function stamped<T extends KubeObject>(wanted: T): T {
  const annotations = { ...wanted.metadata.annotations, [APPLIED]: hashValue(wanted) };
  return { ...wanted, metadata: { ...wanted.metadata, annotations } };
}

/** `wanted` is stamped. */
export function differs(live: KubeObject | null, wanted: KubeObject): boolean {
  return live === null || !covers(live, wanted);
}

function covers(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined || wanted === null) return true;
  if (Array.isArray(wanted)) {
    if (live === undefined) return wanted.length === 0;
    if (!Array.isArray(live) || live.length !== wanted.length) return false;
    return wanted.every((item, i) => covers(live[i], item));
  }
  if (typeof wanted !== "object") return live === wanted;
  // The server leaves empty maps out.
  if (live === undefined) return Object.keys(wanted).length === 0;
  if (typeof live !== "object" || live === null || Array.isArray(live)) return false;
  const present = live as Record<string, unknown>;
  return Object.entries(wanted).every(([key, value]) => covers(present[key], value));
}
