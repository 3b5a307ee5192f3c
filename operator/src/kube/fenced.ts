/**
 * A Kube that refuses to write once a signal has aborted: leadership is lost or a pass is past its deadline, and
 * somebody else may act on the same objects. Reads go on. The refusal is a KubeFailure "refused", transient.
 */
import { KubeFailure } from "./errors.ts";
import type { Kube } from "./kube.ts";

export function fenced(kube: Kube, signal: AbortSignal): Kube {
  const guard = <A extends readonly unknown[], R>(write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (signal.aborted) {
        const message = "not allowed to write any more: leadership is lost or the pass is over";
        throw new KubeFailure("refused", message, { transient: true, cause: signal.reason });
      }
      return write(...args);
    };
  };
  return {
    get: (ref) => kube.get(ref),
    list: (resource, options) => kube.list(resource, options),
    watch: (resource, options) => kube.watch(resource, options),
    apply: guard((resource, object) => kube.apply(resource, object)) as Kube["apply"],
    applyStatus: guard((resource, object) => kube.applyStatus(resource, object)) as Kube["applyStatus"],
    create: guard((resource, object) => kube.create(resource, object)) as Kube["create"],
    replace: guard((resource, object) => kube.replace(resource, object)) as Kube["replace"],
    patchMetadata: guard((ref, patch) => kube.patchMetadata(ref, patch)),
    delete: guard((ref, preconditions, options) => kube.delete(ref, preconditions, options)),
  };
}
