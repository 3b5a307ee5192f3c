/**
 * The pod of one slot. It passes Pod Security "restricted". What it is made with stands in two annotations: the
 * revision of the configuration, and a hash of all that only a restart can change, by which slots/ tells a pod
 * that is as the spec says from one that is not.
 */
import { annotations as keys } from "#crds/group.ts";
import { ports } from "#contract/runtime.ts";
import type { Pod, PodSpec } from "#operator/kube/objects.ts";

import { endpointsSettleSeconds, engineContainer, engineImage } from "./containers.ts";
import type { Context } from "./context.ts";
import { hashValue } from "./hash.ts";
import { metadata, selectorLabels, slotLabels } from "./labels.ts";
import { headlessServiceName, serviceAccountName, slotName } from "./names.ts";
import { pluginParts } from "./plugin-volumes.ts";
import { type PodParts, type PodSource, podParts, readParts } from "./pod-parts.ts";
import { podSecurity } from "./security.ts";
import { configVolume, engineVolumes } from "./volumes.ts";

/** What may still happen after the engine's own deadline: files are closed, the process ends. */
const graceBeyondShutdownSeconds = 10;

export function pod(context: Context, slot: number): Pod {
  const { cluster, config, spec, restart } = context;
  const podSpecOfSlot = podSpec(context, slot);
  const labels = { ...spec.podTemplate.labels, ...slotLabels(cluster.name, slot) };
  const annotations = { ...scrapeAnnotations(context), ...spec.podTemplate.annotations };
  const identity = context.identityOf(slot);
  const source = { labels, annotations, spec: podSpecOfSlot, startup: config.startup, restart };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(cluster, {
      name: slotName(cluster.name, slot),
      labels,
      annotations: {
        ...annotations,
        [keys.revision]: config.revision,
        [keys.podHash]: podHash(source),
        [keys.podParts]: JSON.stringify(podParts(source)),
        ...(identity === null ? {} : { [keys.identity]: identity }),
        ...(restart === null ? {} : { [keys.restart]: restart }),
      },
      // A pod that is made to deliver what is left must not be taken by a foreground deletion.
      ownedBy: context.isDeleting ? "nobody" : "cluster",
    }),
    spec: podSpecOfSlot,
  };
}

/** What a pod of this slot has when it is as the spec says. */
export function podHashOf(context: Context, slot: number): string {
  return pod(context, slot).metadata.annotations?.[keys.podHash] ?? "";
}

export function podPartsOf(context: Context, slot: number): PodParts {
  return readParts(pod(context, slot).metadata.annotations?.[keys.podParts]) ?? {};
}

/**
 * The reloadable files are left out, and with them the name of the ConfigMap: engines get a new one without a restart.
 */
function podHash({ restart, ...parts }: PodSource): string {
  const volumes = parts.spec.volumes?.map((volume) =>
    volume.name === configVolume ? { name: configVolume } : volume,
  );
  const asked = restart === null ? {} : { restart };
  return hashValue({ ...parts, ...asked, spec: { ...parts.spec, volumes } });
}

function podSpec(context: Context, slot: number): PodSpec {
  const { cluster, config, spec, plugins, operator } = context;
  const { nodeSelector, tolerations, affinity, priorityClassName } = spec.podTemplate;
  const volumes = engineVolumes(context, slot);
  const extra = pluginParts(plugins, {
    images: config.pluginImages,
    hasImageVolumes: operator.hasImageVolumes,
    engineImage: engineImage(context),
    pullPolicy: spec.engine.pullPolicy,
  });
  const mounts = volumes.map(({ volume, mount }) => ({ name: volume.name, ...mount }));
  return {
    ...(extra.initContainers.length === 0 ? {} : { initContainers: extra.initContainers }),
    containers: [engineContainer(context, slot, [...mounts, ...extra.mounts])],
    volumes: [...volumes.map(({ volume }) => volume), ...extra.volumes],
    hostname: slotName(cluster.name, slot),
    subdomain: headlessServiceName(cluster.name),
    serviceAccountName: serviceAccountName(cluster.name),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: "Always",
    terminationGracePeriodSeconds:
      endpointsSettleSeconds + spec.config.startup.shutdownSeconds + graceBeyondShutdownSeconds,
    // Names with a dot are looked up as they are first: mail goes to many of them.
    dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    securityContext: podSecurity,
    ...(spec.engine.pullSecrets.length === 0 ? {} : { imagePullSecrets: spec.engine.pullSecrets }),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...(spec.topologySpread.length === 0 ? {} : { topologySpreadConstraints: spread(context) }),
  };
}

function spread({ cluster, spec }: Context): Readonly<Record<string, unknown>>[] {
  const labelSelector = { matchLabels: selectorLabels(cluster.name) };
  return spec.topologySpread.map((constraint) => ({ ...constraint, labelSelector }));
}

function scrapeAnnotations({ spec }: Context): Readonly<Record<string, string>> {
  if (spec.monitoring.scrapeAnnotations === "None") return {};
  return {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(ports.monitor),
    "prometheus.io/path": "/metrics",
  };
}
