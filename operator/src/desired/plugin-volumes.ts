/**
 * The files of plugins in the pod, read-only below /opt/halon/plugins/<name>. An image is mounted as it is. Where
 * the cluster cannot mount images, an init container of that image copies its root file system into an empty
 * volume. Such an image usually holds nothing but the plugin, so the copying program is brought along: a first init
 * container, of the engine's image, puts it (one static binary) into a volume that both share.
 *
 * An image that was checked is named by its digest, as the revision has it.
 *
 *   plugin-copy FROM TO   copies a file, or a folder without leaving its file system
 */
import { type ResolvedPlugin, pluginFolder } from "#operator/plugins/resolve.ts";
import type { Container, Volume, VolumeMount } from "#operator/kube/objects.ts";

import { containerSecurity } from "./security.ts";

type PullPolicy = NonNullable<Container["imagePullPolicy"]>;

export interface PluginParts {
  readonly volumes: readonly Volume[];
  readonly mounts: readonly VolumeMount[];
  readonly initContainers: readonly Container[];
}

/** Where the engine's image holds the copying program. */
const copier = "/opt/halon/bin/plugin-copy";
const toolFolder = "/run/mailfleet-tools";
const toolVolume = "copy-tools";
const copyTarget = "/run/mailfleet-plugin";

/** A copied image is held by the node's disk; more than this is no plugin. */
const copyLimit = "1Gi";
const copyResources = { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } } as const;

export function pluginParts(
  wanted: readonly ResolvedPlugin[],
  options: {
    /** Images by digest, by the name of the plugin; others are used as the source names them. */
    readonly images: ReadonlyMap<string, string>;
    readonly hasImageVolumes: boolean;
    readonly engineImage: string;
    readonly pullPolicy: PullPolicy;
  },
): PluginParts {
  const plugins = wanted.map((plugin) => withImage(plugin, options.images.get(plugin.name)));
  const copied = options.hasImageVolumes ? [] : plugins.filter(({ source }) => source.image !== undefined);
  const tools: Volume[] = copied.length === 0 ? [] : [{ name: toolVolume, emptyDir: { sizeLimit: "16Mi" } }];
  return {
    volumes: [...tools, ...plugins.map((plugin) => volume(plugin, options.hasImageVolumes))],
    mounts: plugins.map(({ name }) => ({
      name: volumeName(name),
      mountPath: pluginFolder(name),
      readOnly: true,
    })),
    initContainers:
      copied.length === 0
        ? []
        : [bringCopier(options.engineImage, options.pullPolicy), ...copied.flatMap(copyImage)],
  };
}

function withImage(plugin: ResolvedPlugin, reference: string | undefined): ResolvedPlugin {
  const { image } = plugin.source;
  if (image === undefined || reference === undefined) return plugin;
  return { ...plugin, source: { ...plugin.source, image: { ...image, reference } } };
}

function volume({ name, source }: ResolvedPlugin, hasImageVolumes: boolean): Volume {
  const { image, configMap, persistentVolumeClaim } = source;
  const base = { name: volumeName(name) };
  if (configMap !== undefined) {
    return {
      ...base,
      configMap: { name: configMap.name, items: [{ key: configMap.key, path: configMap.key }] },
    };
  }
  if (persistentVolumeClaim !== undefined) {
    return { ...base, persistentVolumeClaim: { claimName: persistentVolumeClaim.claimName, readOnly: true } };
  }
  if (image !== undefined && hasImageVolumes) {
    return { ...base, image: { reference: image.reference, pullPolicy: image.pullPolicy } };
  }
  return { ...base, emptyDir: { sizeLimit: copyLimit } };
}

export function volumeName(plugin: string): string {
  return `plugin-${plugin}`;
}

function bringCopier(image: string, imagePullPolicy: PullPolicy): Container {
  return {
    name: toolVolume,
    image,
    imagePullPolicy,
    command: [copier, copier, `${toolFolder}/plugin-copy`],
    volumeMounts: [{ name: toolVolume, mountPath: toolFolder }],
    resources: copyResources,
    securityContext: containerSecurity,
  };
}

function copyImage({ name, source: { image } }: ResolvedPlugin): Container[] {
  if (image === undefined) return [];
  return [
    {
      name: volumeName(name),
      image: image.reference,
      imagePullPolicy: image.pullPolicy,
      command: [`${toolFolder}/plugin-copy`, "/", copyTarget],
      volumeMounts: [
        { name: toolVolume, mountPath: toolFolder, readOnly: true },
        { name: volumeName(name), mountPath: copyTarget },
      ],
      resources: copyResources,
      securityContext: containerSecurity,
    },
  ];
}
