/** The engine's volumes but those of plugins: configuration, spool, admin secret, certificates, scratch space. */
import { dirname } from "node:path/posix";

import { paths } from "#contract/runtime.ts";
import type { Volume, VolumeMount } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { tlsFolder } from "./engine-config.ts";
import { adminSecretName, configMapName, slotName } from "./names.ts";
import { spamhausVolume } from "./spamhaus-secret.ts";

/** A volume with the place that it is mounted at. */
interface Mounted {
  readonly volume: Volume;
  readonly mount: Omit<VolumeMount, "name">;
}

export const configVolume = "config";

export function engineVolumes(context: Context, slot: number): readonly Mounted[] {
  const { cluster, config, spec } = context;
  const readOnly = (volume: Volume, mountPath: string): Mounted => ({
    volume,
    mount: { mountPath, readOnly: true },
  });
  const writable = (volume: Volume, mountPath: string): Mounted => ({ volume, mount: { mountPath } });
  return [
    readOnly(
      { name: configVolume, configMap: { name: configMapName(cluster.name, config.revision) } },
      paths.config,
    ),
    writable(
      { name: "spool", persistentVolumeClaim: { claimName: slotName(cluster.name, slot) } },
      dirname(paths.spool),
    ),
    readOnly(
      { name: "admin", secret: { secretName: adminSecretName(cluster.name), items: adminItems } },
      dirname(paths.adminToken),
    ),
    readOnly(spamhausVolume(cluster.name), paths.spamhaus),
    ...spec.listeners.flatMap(({ name, tls }) =>
      tls === undefined
        ? []
        : [readOnly({ name: `tls-${name}`, secret: { secretName: tls.secretName } }, tlsFolder(name))],
    ),
    writable({ name: "run", emptyDir: { sizeLimit: "64Mi" } }, dirname(paths.pushedConfig)),
    writable({ name: "tmp", emptyDir: { sizeLimit: "256Mi" } }, "/tmp"),
  ];
}

/** The authority's certificate is the operator's business. */
const adminItems = ["token", "tls.crt", "tls.key", "ca.crt"].map((key) => ({ key, path: key }));
