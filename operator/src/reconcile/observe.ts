/**
 * Gathers everything that a pass may look at into one frozen value: the resource, its objects from the caches, what
 * its engines say, and what is made of the spec. Nothing is judged here. Reads only; what cannot be read rejects,
 * except an engine, which is then unknown.
 */
import { isIPv6 } from "node:net";

import { ports } from "#contract/runtime.ts";
import { MailCluster, type MailClusterSpec } from "#crds/mail-cluster.ts";
import { type MailClusterStatus, readStatus } from "#crds/mail-cluster-status.ts";
import type { Key } from "#operator/cache/key.ts";
import { type AdminMaterial, readAdminSecret } from "#operator/desired/admin-secret.ts";
import { readConfigMap } from "#operator/desired/config-map.ts";
import type { ClusterIdentity } from "#operator/desired/context.ts";
import { type RenderedConfig, type Rendering, renderConfig } from "#operator/desired/engine-config.ts";
import { underSourceName } from "#operator/desired/source-name.ts";
import { adminSecretName, adminServerName, configMapName } from "#operator/desired/names.ts";
import type { WebMaterial } from "#operator/desired/web-secret.ts";
import { renewed } from "#operator/engine/authority.ts";
import type { EngineAddress } from "#operator/engine/engines.ts";
import type { Target } from "#operator/engine/reports.ts";
import {
  type ConfigMap,
  type CustomObject,
  type Pod,
  resources,
  type Secret,
} from "#operator/kube/objects.ts";
import { wholeSeconds } from "#operator/kube/times.ts";
import { type PluginResolution, resolvePlugins } from "#operator/plugins/resolve.ts";
import type { Bake } from "#operator/rollout/canary.ts";
import type { Edits } from "#operator/rollout/settle.ts";
import { type NodeView, unknownNodes, viewNodes } from "#operator/slots/node.ts";
import { type ObservedSlot, observeSlots } from "#operator/slots/observed.ts";
import type { GivenOrder } from "#operator/slots/orders.ts";
import type { SpamhausChoice } from "#operator/spamhaus/decide.ts";

import { observeSpamhaus } from "./observe-spamhaus.ts";
import { isOurs } from "./ownership.ts";
import { type Owned, ownedBy } from "./owned.ts";
import type { Refusal } from "./memory.ts";
import type { Tools } from "./tools.ts";
import { webMaterial } from "./web-material.ts";
import { type Wishes, wishesOf } from "./wishes.ts";

export interface Observed {
  readonly key: Key;
  readonly object: CustomObject;
  readonly cluster: ClusterIdentity;
  readonly generation: number;
  readonly spec: MailClusterSpec;
  /** The policy while the MailCluster is being deleted, else null. */
  readonly deletion: "Drain" | "Orphan" | "Discard" | null;
  readonly previous: PreviousStatus;
  readonly wishes: Wishes;
  readonly owned: Owned;
  readonly slots: readonly ObservedSlot[];
  readonly nodes: NodeView;
  /** HTTPRoutes can be made. */
  readonly servesRoutes: boolean;
  readonly admin: AdminMaterial;
  /** Of the web administration; null: none is wanted. */
  readonly web: WebMaterial | null;
  readonly plugins: PluginResolution;
  readonly rendering: Rendering;
  /** The part of it that is Spamhaus', and the keys. */
  readonly spamhaus: SpamhausChoice;
  /** The revision that last ran in all pods, with its files. */
  readonly lastGood: RenderedConfig | null;
  /** An engine's no to the revision that the spec makes. */
  readonly refusal: Refusal | null;
  /** Clusters that have their turn before it (take-turn.ts); null: it waits for none. */
  readonly waitsFor: readonly string[] | null;
  /** What canary pods are compared with. */
  readonly bake: Bake | null;
  /** Edits that were gathered until the last pass; null: none. */
  readonly edits: Edits | null;
  /** Wall clock, ISO in whole seconds. */
  readonly time: string;
  /** The orders that its engines were given, and by which clock. */
  readonly orders: {
    readonly given: ReadonlyMap<string, GivenOrder>;
    readonly now: number;
    readonly actingSince: number;
  };
}

/** The status as it was written last; fields that another version wrote may be missing. */
export type PreviousStatus = Partial<MailClusterStatus>;

/** A spec that this version of the operator does not understand; the API server let it through. */
export interface BrokenSpec {
  readonly key: Key;
  readonly object: CustomObject;
  readonly message: string;
}

export async function observe(tools: Tools, object: CustomObject): Promise<Observed | BrokenSpec> {
  const key: Key = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
  const { status, ...resource } = object;
  const parsed = MailCluster.safeParse(resource);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { key, object, message: `${issue?.path.join(".")}: ${issue?.message}` };
  }
  const { spec } = parsed.data;
  const previous = readStatus(status);
  if (spec.engine.image === undefined && tools.facts.engineImage === "") {
    const message =
      "spec.engine.image is missing, and the operator was started without --engine-image: set one of them";
    return { key, object, message };
  }
  const owned = ownedBy(tools.caches, key);
  const cluster = identityOf(key, object);
  const nodes = tools.caches.nodes.synced ? viewNodes(tools.caches.nodes) : unknownNodes;
  const admin = await adminMaterial(tools, cluster);
  await tools.reports.follow(key, targetsOf(owned.pods, cluster, admin));
  const plugins = resolvePlugins(spec.plugins, (name) => tools.caches.nativePlugins.get(key.namespace, name));
  const lastGood = lastGoodOf(owned.configMaps, key.name, previous.revision?.lastGood);
  const slots = observeSlots(owned.pods, owned.claims, tools.reports.recent(key));
  const spamhaus = await observeSpamhaus(tools, {
    ...{ key, spec, slots, lastGood },
    uid: cluster.uid,
    secrets: owned.secrets,
    configMaps: owned.configMaps,
    target: previous.revision?.target,
  });
  const judged = await tools.scripts.judge(
    renderConfig({
      spec,
      plugins: plugins.plugins,
      appFromText: await appFromText(tools, key, spec),
      image: spec.engine.image ?? tools.facts.engineImage,
      spamhaus: spamhaus.section,
    }),
  );
  const rendering = underSourceName(judged, spec);
  return Object.freeze({
    ...{ key, object, cluster, spec, previous, owned, nodes },
    ...{ admin, plugins, rendering, lastGood, spamhaus },
    servesRoutes: tools.caches.httpRoutes.synced,
    generation: object.metadata.generation ?? 0,
    deletion: object.metadata.deletionTimestamp === undefined ? null : spec.deletionPolicy,
    wishes: wishesOf(object.metadata),
    slots: observeSlots(owned.pods, owned.claims, tools.reports.recent(key), nodes),
    web: await webMaterial(tools, key, spec),
    refusal: refusalOf(tools, key, rendering),
    waitsFor: null,
    bake: tools.memory.of(key).bake,
    edits: tools.memory.of(key).edits,
    time: wholeSeconds(tools.clock.now()),
    orders: ordersOf(tools, key, owned.pods),
  });
}

/** The same value with what the engines say by now. */
export function withFreshReports(tools: Tools, observed: Observed): Observed {
  const { owned, key, rendering, nodes } = observed;
  return Object.freeze({
    ...observed,
    slots: observeSlots(owned.pods, owned.claims, tools.reports.recent(key), nodes),
    refusal: refusalOf(tools, key, rendering),
    bake: tools.memory.of(key).bake,
  });
}

export function addressOf(ip: string, cluster: ClusterIdentity, admin: AdminMaterial): EngineAddress {
  return {
    ip,
    serverName: adminServerName(cluster.name, cluster.namespace),
    caCertificates: admin.ca,
    token: admin.token,
  };
}

/** Where engines reach each other. */
export function adminUrl(ip: string): string {
  return `https://${isIPv6(ip) ? `[${ip}]` : ip}:${ports.admin}`;
}

/** Pods that could answer: they have an address and a running container. */
function targetsOf(pods: readonly Pod[], cluster: ClusterIdentity, admin: AdminMaterial): readonly Target[] {
  return pods.flatMap((pod) => {
    const { phase, podIP } = pod.status ?? {};
    if (phase !== "Running" || podIP === undefined || podIP === "") return [];
    return [
      { uid: pod.metadata.uid ?? "", pod: pod.metadata.name, address: addressOf(podIP, cluster, admin) },
    ];
  });
}

/** The cache may lag behind another operator's last write: before keys are made anew the server is asked. */
async function adminMaterial(tools: Tools, cluster: ClusterIdentity): Promise<AdminMaterial> {
  const { namespace } = cluster;
  const name = adminSecretName(cluster.name);
  const secret =
    tools.caches.secrets.get(namespace, name) ??
    (await tools.kube.get<Secret>({ resource: resources.secrets, namespace, name }));
  const known = secret === null || !isOurs(secret, cluster.name) ? null : readAdminSecret(secret);
  return renewed(known, {
    serverName: adminServerName(cluster.name, namespace),
    now: tools.clock.now(),
  });
}

async function appFromText(tools: Tools, key: Key, { config }: MailClusterSpec): Promise<string | null> {
  if (config.appFrom === undefined) {
    tools.configWatches.forget(key);
    return null;
  }
  const { name, key: file } = config.appFrom;
  const map = await tools.configWatches.read(key, name);
  return map?.data?.[file] ?? null;
}

function lastGoodOf(
  maps: readonly ConfigMap[],
  cluster: string,
  revision: string | undefined,
): RenderedConfig | null {
  if (revision === undefined) return null;
  const map = maps.find((each) => each.metadata.name === configMapName(cluster, revision));
  return map === undefined ? null : readConfigMap(map);
}

/** Of the pods that are there; others are forgotten. */
function ordersOf(tools: Tools, key: Key, pods: readonly Pod[]): Observed["orders"] {
  const { orders, spread } = tools.memory.of(key);
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  for (const uid of orders.keys()) if (!uids.has(uid)) orders.delete(uid);
  for (const uid of spread.keys()) if (!uids.has(uid)) spread.delete(uid);
  return {
    given: new Map(orders),
    now: tools.clock.monotonic(),
    actingSince: tools.memory.actingSince,
  };
}

function refusalOf(tools: Tools, key: Key, rendering: Rendering): Refusal | null {
  const { refusal } = tools.memory.of(key);
  return rendering.ok && refusal?.revision === rendering.config.revision ? refusal : null;
}

function identityOf(key: Key, object: CustomObject): ClusterIdentity {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: key.name, namespace: key.namespace, uid: metadata.uid ?? "" };
}
