/**
 * A Kube that refuses to write once a signal has aborted: leadership is lost or a pass is past its deadline, and
 * somebody else may act on the same objects. Reads go on. The refusal is a KubeFailure "refused", transient.
 */
import { KubeFailure } from "./errors.ts";
import type { Kube, Resource } from "./kube.ts";

export function fenced(kube: Kube, signal: AbortSignal): Kube {
  return aroundWrites(kube, async (_, write) => {
    if (!signal.aborted) return write();
    const message = "not allowed to write any more: leadership is lost or the pass is over";
    throw new KubeFailure("refused", message, { transient: true, cause: signal.reason });
  });
}

/** The same door with `around` in front of every write, which it may carry out or refuse; it is told the kind. */
export function aroundWrites(
  kube: Kube,
  around: <R>(resource: Resource, write: () => Promise<R>) => Promise<R>,
): Kube {
  return {
    get: (ref) => kube.get(ref),
    list: (resource, options) => kube.list(resource, options),
    watch: (resource, options) => kube.watch(resource, options),
    apply: (resource, object) => around(resource, () => kube.apply(resource, object)),
    applyStatus: (resource, object) => around(resource, () => kube.applyStatus(resource, object)),
    create: (resource, object) => around(resource, () => kube.create(resource, object)),
    replace: (resource, object) => around(resource, () => kube.replace(resource, object)),
    patchMetadata: (ref, patch) => around(ref.resource, () => kube.patchMetadata(ref, patch)),
    delete: (ref, preconditions, options) =>
      around(ref.resource, () => kube.delete(ref, preconditions, options)),
  };
}
