/**
 * The two CustomResourceDefinitions as objects: names, columns, subresources around the schemas. Pure;
 * tools/generate/crds.ts writes them down, the operator compares what is installed with them.
 */
import type { z } from "zod";

import { group, version } from "./group.ts";
import { MailCluster } from "./mail-cluster.ts";
import { NativePlugin } from "./native-plugin.ts";
import { type Schema, structuralSchema } from "./structural-schema.ts";
import { VALIDATIONS } from "./rules.ts";

export interface Definition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: Schema;
}

interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 1: only with -o wide. */
  readonly priority?: 1;
}

const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")]`;

const age: Column = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Since when it exists.",
};

const mailClusterColumns: readonly Column[] = [
  {
    name: "Ready",
    type: "string",
    jsonPath: `${condition("Ready")}.status`,
    description: "All wanted pods take mail.",
  },
  { name: "Replicas", type: "integer", jsonPath: ".status.targetReplicas", description: "Pods wanted." },
  {
    name: "Ready pods",
    type: "integer",
    jsonPath: ".status.readyReplicas",
    description: "Pods that take mail.",
  },
  {
    name: "Queue",
    type: "integer",
    jsonPath: ".status.queue.total",
    description: "Recipients queued, rounded.",
  },
  {
    name: "Revision",
    type: "string",
    jsonPath: ".status.revision.current",
    description: "Configuration that all pods run.",
  },
  {
    name: "Reason",
    type: "string",
    jsonPath: `${condition("Ready")}.message`,
    description: "What Ready says.",
    priority: 1,
  },
  age,
];

const nativePluginColumns: readonly Column[] = [
  {
    name: "Ready",
    type: "string",
    jsonPath: `${condition("Ready")}.status`,
    description: "The file is in place.",
  },
  {
    name: "Image",
    type: "string",
    jsonPath: ".spec.source.image.reference",
    description: "Where it comes from.",
  },
  {
    name: "SHA256",
    type: "string",
    jsonPath: ".status.sha256",
    description: "Digest of the file.",
    priority: 1,
  },
  age,
];

/** What lists can be filtered by, as with --field-selector spec.engine.image=registry.example/mta:1. */
const selectable = {
  MailCluster: [".spec.engine.image", ".spec.autoscaling.mode"],
  NativePlugin: [".spec.source.image.reference", ".spec.check"],
} as const;

/** What nobody has looked at yet is under way, for all who wait for observedGeneration. */
const UNSEEN = { observedGeneration: -1 };

export const definitions: readonly Definition[] = [
  definition(
    { kind: "MailCluster", plural: "mailclusters", shortName: "mc" },
    {
      schema: MailCluster,
      columns: mailClusterColumns,
      description: "A cluster of mail transfer agents that grows and shrinks without losing mail.",
      subresources: {
        status: {},
        scale: {
          specReplicasPath: ".spec.replicas",
          statusReplicasPath: ".status.replicas",
          labelSelectorPath: ".status.selector",
        },
      },
    },
  ),
  definition(
    { kind: "NativePlugin", plural: "nativeplugins", shortName: "np" },
    {
      schema: NativePlugin,
      columns: nativePluginColumns,
      description: "A native plugin that MailClusters of the namespace can load.",
      subresources: { status: {} },
    },
  ),
];

function definition(
  names: { readonly kind: keyof typeof selectable; readonly plural: string; readonly shortName: string },
  parts: {
    readonly schema: z.ZodType;
    readonly columns: readonly Column[];
    readonly description: string;
    readonly subresources: Schema;
  },
): Definition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      group,
      names: {
        kind: names.kind,
        listKind: `${names.kind}List`,
        plural: names.plural,
        singular: names.kind.toLowerCase(),
        shortNames: [names.shortName],
        categories: ["mailfleet"],
      },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(parts.schema, parts.description) },
          subresources: parts.subresources,
          selectableFields: selectable[names.kind].map((jsonPath) => ({ jsonPath })),
          additionalPrinterColumns: parts.columns,
        },
      ],
    },
  };
}

/** The root holds what every object holds; of metadata nothing may be said there. */
function rootSchema(source: z.ZodType, description: string): Schema {
  const { properties, required, [VALIDATIONS]: validations } = structuralSchema(source);
  const { spec, status } = properties as Record<string, Schema>;
  return {
    type: "object",
    description,
    required: (required as string[]).filter((name) => name !== "metadata"),
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      status: { ...status, default: UNSEEN },
    },
    [VALIDATIONS]: validations,
  };
}
