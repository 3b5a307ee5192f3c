/**
 * The operator as the Operator Lifecycle Manager installs it (pure): a ClusterServiceVersion out of the Deployment that
 * the chart renders, the rights of operator/src/rbac.ts and the definitions of crds/. What follows from others is not
 * written here a second time; what is here is what people read.
 *
 * OLM makes cluster roles of `permissions` where the operator looks after all namespaces, and roles in those that it looks
 * after where these are some; which they are it writes into an annotation of the pods, whose form is that of
 * WATCH_NAMESPACES.
 */
import type { Definition } from "#crds/definitions.ts";
import { rbac } from "#operator/rbac.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Deployment {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly {
          readonly image: string;
          readonly env: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
}

export interface Parts {
  readonly version: string;
  readonly minKubeVersion: string;
  readonly deployment: Deployment;
  readonly definitions: readonly Definition[];
  /** Resources that OperatorHub offers to begin with. */
  readonly examples: readonly Json[];
  /** One paragraph and the first steps, as Markdown. */
  readonly description: string;
  /** SVG. */
  readonly icon: string;
}

const TARGETS = "metadata.annotations['olm.targetNamespaces']";
const titles: Readonly<Record<string, string>> = {
  MailCluster: "Mail cluster",
  NativePlugin: "Native plugin",
};

export function clusterServiceVersion(parts: Parts): Json {
  const { version, deployment, definitions } = parts;
  const { serviceAccountName, containers } = deployment.spec.template.spec;
  const image = containers[0]?.image ?? "";
  return {
    apiVersion: "operators.coreos.com/v1alpha1",
    kind: "ClusterServiceVersion",
    metadata: {
      name: `mailfleet.v${version}`,
      namespace: "placeholder",
      annotations: {
        "alm-examples": JSON.stringify(parts.examples),
        capabilities: "Deep Insights",
        categories: "Streaming & Messaging",
        containerImage: image,
        description: "Elastic clusters of mail transfer agents that lose no mail.",
        support: "The project",
        "operators.operatorframework.io/suggested-namespace": "mailfleet-system",
      },
    },
    spec: {
      ...about(parts),
      relatedImages: imagesOf(deployment),
      installModes: ["OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces"].map((type) => ({
        type,
        supported: true,
      })),
      install: {
        strategy: "deployment",
        spec: {
          permissions: [{ serviceAccountName, rules: [...rbac.workload, ...rbac.lease] }],
          clusterPermissions: [{ serviceAccountName, rules: [...rbac.nodes, ...rbac.namespaces] }],
          deployments: [
            {
              name: deployment.metadata.name,
              label: deployment.metadata.labels,
              spec: followingTargets(deployment),
            },
          ],
        },
      },
      customresourcedefinitions: { owned: definitions.map(owned) },
    },
  };
}

function about({ version, minKubeVersion, description, icon }: Parts): Json {
  return {
    displayName: "Mailfleet",
    description,
    version,
    minKubeVersion,
    maturity: "alpha",
    keywords: ["mail", "smtp", "mta", "email", "autoscaling"],
    provider: { name: "Mailfleet" },
    icon: [{ base64data: Buffer.from(icon).toString("base64"), mediatype: "image/svg+xml" }],
  };
}

function owned({ metadata, spec }: Definition): Json {
  const { names, versions } = spec as unknown as {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Json };
    }[];
  };
  const [version] = versions;
  return {
    name: metadata.name,
    kind: names.kind,
    version: version?.name,
    displayName: titles[names.kind] ?? names.kind,
    description: version?.schema.openAPIV3Schema["description"] ?? names.kind,
  };
}

/** The operator's own and those that it hands on. */
function imagesOf({ spec }: Deployment): Json[] {
  const [container] = spec.template.spec.containers;
  const handedOn = (container?.env ?? []).filter(({ name }) => /^MAILFLEET_\w+_IMAGE$/.test(name));
  return [
    { name: "operator", image: container?.image },
    ...handedOn.map(({ name, value }) => ({ name: name.split("_")[1]?.toLowerCase(), image: value })),
  ];
}

function followingTargets({ spec }: Deployment): Json {
  const containers = spec.template.spec.containers.map((container) => ({
    ...container,
    env: container.env.map((variable) =>
      variable.name === "WATCH_NAMESPACES"
        ? { name: variable.name, valueFrom: { fieldRef: { fieldPath: TARGETS } } }
        : variable,
    ),
  }));
  return { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } };
}
