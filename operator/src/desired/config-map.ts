/**
 * The engine's files as an immutable ConfigMap named after their revision, so that a pod made with one revision
 * starts with it whenever it starts. Old ones stay as long as a pod was made with them, or they are the way back.
 */
import { appFile, policyFile, startupFile, suspendFile } from "#contract/config.ts";
import type { ConfigMap } from "#operator/kube/objects.ts";

import type { ClusterIdentity, Context } from "./context.ts";
import { reloadableFiles, type RenderedConfig } from "./engine-config.ts";
import { metadata } from "./labels.ts";
import { configMapName } from "./names.ts";

/** The engine reports the text of this file as its revision. */
const revisionFile = "revision";
/** For the operator: the image that goes with the files. */
const imageFile = "image";
/** The same for plugins: a JSON object of images by digest, by the name of the plugin. */
const pluginImagesFile = "plugin-images";

export function configMap({ cluster, config }: Context): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(cluster, { name: configMapName(cluster.name, config.revision), ownedBy: "nobody" }),
    immutable: true,
    data: {
      [startupFile]: config.startup,
      ...reloadableFiles(config),
      [revisionFile]: config.revision,
      ...(config.image === null ? {} : { [imageFile]: config.image }),
      ...(config.pluginImages.size === 0
        ? {}
        : { [pluginImagesFile]: JSON.stringify(Object.fromEntries(config.pluginImages)) }),
    },
  };
}

/** The files of an earlier revision; null when the ConfigMap does not hold them. Early ones have no rules. */
export function readConfigMap({ data }: ConfigMap): RenderedConfig | null {
  const [startup, app, revision] = [data?.[startupFile], data?.[appFile], data?.[revisionFile]];
  if (startup === undefined || app === undefined || revision === undefined) return null;
  const { [policyFile]: policy = "", [suspendFile]: suspend = "" } = data ?? {};
  const pluginImages = readPluginImages(data?.[pluginImagesFile]);
  return { startup, app, policy, suspend, revision, image: data?.[imageFile] ?? null, pluginImages };
}

/** None in revisions without pinned plugins, and where the text is none of ours. */
function readPluginImages(text: string | undefined): ReadonlyMap<string, string> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    if (typeof value !== "object" || value === null) return new Map();
    return new Map(
      Object.entries(value).flatMap(([name, image]): [string, string][] =>
        typeof image === "string" ? [[name, image]] : [],
      ),
    );
  } catch {
    return new Map();
  }
}

/** Whether a ConfigMap of this cluster is of use to nobody any more. */
export function isStaleConfigMap(
  cluster: ClusterIdentity,
  map: ConfigMap,
  revisions: {
    /** Revisions that pods were made with, the target, the last good one. */
    readonly inUse: ReadonlySet<string>;
  },
): boolean {
  const { revision } = readConfigMap(map) ?? {};
  if (revision === undefined || map.metadata.name !== configMapName(cluster.name, revision)) return false;
  return !revisions.inUse.has(revision);
}
