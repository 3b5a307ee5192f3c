/**
 * The part of the MailCluster that shapes its pods. Only whitelisted fields: a whole pod template would let
 * whoever may write a MailCluster run anything as the operator's pods, and would make the definition ten times
 * larger.
 */
import { z } from "zod";

import { withRules } from "./rules.ts";
import { annotationMap, freeObject, label, labelMap, objectName, quantity } from "./values.ts";

export const quantities = z.record(z.string().min(1).max(63), quantity).meta({ maxProperties: 8 });

const EnvVar = withRules(
  z.object({
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a name of an environment variable"),
    value: z.string().max(4096).optional(),
    secretKeyRef: z
      .object({ name: objectName, key: z.string().min(1).max(253) })
      .optional()
      .describe("Takes the value from a Secret of the namespace."),
  }),
  [
    {
      cel: "has(self.value) != has(self.secretKeyRef)",
      message: "each of engine.env needs exactly one of value and secretKeyRef",
      holds: ({ value, secretKeyRef }) => (value === undefined) !== (secretKeyRef === undefined),
    },
  ],
);

export const EngineSpec = z.object({
  image: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe("Image of the engine; the one that came with the operator when absent."),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent"),
  pullSecrets: z
    .array(z.object({ name: objectName }))
    .max(8)
    .default([])
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("Secrets for private registries; used for plugin images too."),
  resources: z
    .object({
      requests: quantities.optional(),
      limits: quantities.optional(),
    })
    .default({ requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } })
    .describe("CPU and memory of the engine's container."),
  env: z
    .array(EnvVar)
    .max(64)
    .default([])
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("Environment variables of the engine, e.g. NODE_OPTIONS."),
});

export const SpreadConstraint = z.object({
  topologyKey: z.string().min(1).max(317).describe("Label of nodes, e.g. topology.kubernetes.io/zone."),
  maxSkew: z.int().min(1).max(100).default(1),
  whenUnsatisfiable: z.enum(["DoNotSchedule", "ScheduleAnyway"]).default("ScheduleAnyway"),
});

const Toleration = z.object({
  key: z.string().max(317).optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: z.string().max(63).optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
  tolerationSeconds: z.int().min(0).max(2_147_483_647).optional(),
});

const reserved = (keys: readonly string[]): boolean =>
  keys.every((key) => !key.startsWith("mailfleet.io/") && !key.startsWith("app.kubernetes.io/"));

const ownKeys = (
  field: string,
): { cel: string; message: string; holds: (value: Record<string, string>) => boolean } => ({
  cel: "self.all(key, !key.startsWith('mailfleet.io/') && !key.startsWith('app.kubernetes.io/'))",
  message: `podTemplate.${field} must not hold keys of mailfleet.io/ or app.kubernetes.io/: the operator finds its pods by them; choose another prefix`,
  holds: (value) => reserved(Object.keys(value)),
});

export const PodTemplate = z.object({
  labels: withRules(labelMap, [ownKeys("labels")]).default({}),
  annotations: withRules(annotationMap, [ownKeys("annotations")]).default({}),
  nodeSelector: labelMap.default({}),
  tolerations: z.array(Toleration).max(16).default([]),
  affinity: freeObject.optional().describe("As in a pod (core/v1 Affinity)."),
  priorityClassName: label(253).optional(),
});
