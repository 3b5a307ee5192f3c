/**
 * The volume of a slot's spool. Nobody owns it: mail must outlive a pod, and may outlive the cluster; only the
 * steps of slots/ delete it.
 */
import type { PersistentVolumeClaim } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, slotLabels } from "./labels.ts";
import { slotName } from "./names.ts";

export function claim({ cluster, spec }: Context, slot: number): PersistentVolumeClaim {
  const { size, storageClassName } = spec.storage;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: metadata(cluster, {
      name: slotName(cluster.name, slot),
      labels: slotLabels(cluster.name, slot),
      ownedBy: "nobody",
    }),
    spec: {
      accessModes: ["ReadWriteOnce"],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: size } },
    },
  };
}
