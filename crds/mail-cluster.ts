/**
 * The MailCluster: schema, types and rules in one source. The CustomResourceDefinition and the reference page
 * are made from it; the operator parses what it reads with it, so the rest of the code sees every default filled
 * in. Defaults are filled in by the operator, never by the API server: a stored default could not be told from a
 * wish, and would fight with GitOps tools and scalers.
 */
import { z } from "zod";

import { ConfigSpec } from "./mail-cluster-config.ts";
import { IdentityList } from "./mail-cluster-identities.ts";
import { EngineSpec, PodTemplate, SpreadConstraint } from "./mail-cluster-pod.ts";
import { AutoscalingSpec, DrainSpec, RolloutSpec } from "./mail-cluster-scaling.ts";
import { SpamhausSpec } from "./mail-cluster-spamhaus.ts";
import { MailClusterStatus } from "./mail-cluster-status.ts";
import { ListenerList, NetworkPolicySpec, ServiceSpec } from "./mail-cluster-traffic.ts";
import { WebAdminSpec } from "./mail-cluster-web.ts";
import { withRules } from "./rules.ts";
import { freeObject, label, namedList, objectName, quantity } from "./values.ts";

const StorageSpec = withRules(
  z.object({
    size: quantity
      .prefault("10Gi")
      .describe(
        "Size of the volume that holds the spool of a pod. May grow where the storage class can; never shrinks.",
      ),
    storageClassName: objectName
      .optional()
      .describe("Storage class; the cluster's default when absent. Cannot change."),
    reclaim: z
      .enum(["RetainUntilEmpty", "Delete"])
      .default("RetainUntilEmpty")
      .describe(
        "What happens to the volume of a slot that leaves. RetainUntilEmpty: it stays until its queue was seen empty, and a pod is made again to deliver what is left. Delete: a volume without a pod is deleted with the mail in it.",
      ),
  }),
  [],
  [
    {
      cel: "!has(self.size) || !has(oldSelf.size) || quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
      message:
        "spec.storage.size cannot shrink: volumes only grow; make a second MailCluster with the smaller size and move over",
    },
  ],
);

const PluginReference = z.object({
  name: label(50).describe("Name of a NativePlugin in the same namespace."),
  config: freeObject.optional().describe("Handed to the plugin at start; a change restarts the pods."),
  appConfig: freeObject.optional().describe("Handed to the plugin at start and on every reload."),
});
export type PluginReference = z.infer<typeof PluginReference>;

const DisruptionBudgetSpec = z.object({
  mode: z.enum(["Managed", "None"]).default("Managed").describe("None: no PodDisruptionBudget is made."),
  maxUnavailable: z
    .int()
    .min(0)
    .max(500)
    .default(1)
    .describe(
      "So many pods may be evicted at once. A cluster of one pod never blocks the drain of a node, unless this is 0: then pods only leave nodes by handing over, which they do when their node is cordoned.",
    ),
});

/** Optional field selection would do, but its cost is estimated without the bounds of the field. */
const storageClass = (of: string): string =>
  `(has(${of}.storage) && has(${of}.storage.storageClassName) ? ${of}.storage.storageClassName : '')`;

export const MailClusterSpec = withRules(
  z.object({
    replicas: z
      .int()
      .min(0)
      .max(500)
      .optional()
      .describe(
        "How many pods. Needed at creation, unless autoscaling.mode is Internal. Absent later: whoever scales owns the number, and the operator keeps the one it last followed.",
      ),
    autoscaling: AutoscalingSpec.prefault({}).describe("Who owns the number of pods, and by what."),
    drain: DrainSpec.prefault({}).describe("How a pod leaves."),
    rollout: RolloutSpec.prefault({}).describe("How a changed configuration reaches the pods."),
    engine: EngineSpec.prefault({}).describe("The engine's container."),
    storage: StorageSpec.prefault({}).describe("Volumes of the spools."),
    listeners: ListenerList,
    service: ServiceSpec.prefault({}).describe("The Service in front of all listeners."),
    config: ConfigSpec.describe("Configuration of the engine."),
    spamhaus: SpamhausSpec.optional().describe(
      "Looks clients, senders and content up at Spamhaus (DQS). Nothing is asked when absent.",
    ),
    identities: IdentityList.default([]).describe(
      "Addresses that mail leaves from, one a pod: each belongs to at most one pod at a time, and a pod that has none is not made. Transports to mail exchangers that name no address in connection.sourceip leave from them.",
    ),
    plugins: namedList(PluginReference, { key: "name", max: 32 })
      .default([])
      .describe("Native plugins, by the name of their NativePlugin."),
    networkPolicy: NetworkPolicySpec.prefault({}).describe("Who may reach the pods."),
    podDisruptionBudget: DisruptionBudgetSpec.prefault({}).describe("How many pods may be evicted at once."),
    topologySpread: namedList(SpreadConstraint, { key: "topologyKey", max: 8 })
      .default([{ topologyKey: "kubernetes.io/hostname", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" }])
      .describe("How pods are spread over nodes and zones; over nodes, if possible, when absent."),
    podTemplate: PodTemplate.prefault({}).describe("What may be added to the pods."),
    monitoring: z
      .object({
        scrapeAnnotations: z
          .enum(["Prometheus", "None"])
          .default("Prometheus")
          .describe("Prometheus: pods carry prometheus.io/scrape, port and path."),
      })
      .prefault({})
      .describe("How the figures of the pods are found."),
    webAdmin: WebAdminSpec.prefault({}).describe("Pages that show the cluster and act on its queues."),
    deletionPolicy: z
      .enum(["Drain", "Orphan", "Discard"])
      .default("Drain")
      .describe(
        "What happens to queued mail when the MailCluster is deleted. Drain: deletion waits until every queue is empty. Orphan: volumes stay behind with the mail in them. Discard: the mail is thrown away. May be changed while deletion waits.",
      ),
  }),
  [
    {
      cel: "!has(self.replicas) || !has(self.autoscaling) || !has(self.autoscaling.mode) || self.autoscaling.mode != 'Internal'",
      message:
        "spec.replicas and spec.autoscaling.mode Internal exclude each other: remove spec.replicas and set autoscaling.minReplicas and maxReplicas, or set autoscaling.mode to None",
      holds: ({ replicas, autoscaling }) => replicas === undefined || autoscaling.mode !== "Internal",
    },
  ],
  [
    {
      cel: "has(self.replicas) || oldSelf.hasValue() || (has(self.autoscaling) && has(self.autoscaling.mode) && self.autoscaling.mode == 'Internal')",
      message:
        "spec.replicas is needed at creation: say with how many pods to start, e.g. 2; afterwards it may be left to a scaler",
      onCreate: true,
    },
    {
      cel: `${storageClass("self")} == ${storageClass("oldSelf")}`,
      message:
        "spec.storage.storageClassName cannot change: make a second MailCluster with the other class and move over",
    },
  ],
);
export type MailClusterSpec = z.output<typeof MailClusterSpec>;

/** metadata.name is bounded so that every name made from it fits a DNS label. */
export const maxClusterNameLength = 40;

export const MailCluster = withRules(
  z.object({
    metadata: z.object({ name: z.string() }),
    spec: MailClusterSpec.describe("What is wanted."),
    status: MailClusterStatus.partial().optional().describe("What is; written by the operator."),
  }),
  [
    {
      cel: `self.metadata.name.size() <= ${maxClusterNameLength} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')`,
      message: `metadata.name must start with a letter, hold only lower-case letters, digits and hyphens, and be ${maxClusterNameLength} characters or fewer, because names of pods and Services are made from it`,
      holds: ({ metadata: { name } }) =>
        name.length <= maxClusterNameLength && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name),
    },
  ],
);
export type MailCluster = z.output<typeof MailCluster>;
