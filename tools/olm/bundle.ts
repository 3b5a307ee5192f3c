/**
 * The bundle for the Operator Lifecycle Manager as files by path: manifests, metadata, and the Dockerfile of the image that
 * carries them. The Deployment comes from the chart, so helm has to be there. Rejects with what helm said.
 */
import { readFile } from "node:fs/promises";
import { dump, load, loadAll } from "js-yaml";

import { definitions } from "#crds/definitions.ts";

import { run } from "../../e2e/peers/shell.ts";
import { chart, findProgram, kubeVersion } from "../../helm/helm.ts";
import { root } from "../tree.ts";
import { clusterServiceVersion, type Deployment } from "./cluster-service-version.ts";

/** What OLM looks after by itself, or has no place for. */
const VALUES = [
  "crds.enabled=false",
  "rolloutOrdersPolicy.enabled=false",
  "podDisruptionBudget.enabled=false",
  "networkPolicy.enabled=false",
  "metrics.service.enabled=false",
];
const annotations: Readonly<Record<string, string>> = {
  "operators.operatorframework.io.bundle.mediatype.v1": "registry+v1",
  "operators.operatorframework.io.bundle.manifests.v1": "manifests/",
  "operators.operatorframework.io.bundle.metadata.v1": "metadata/",
  "operators.operatorframework.io.bundle.package.v1": "mailfleet",
  "operators.operatorframework.io.bundle.channels.v1": "alpha",
  "operators.operatorframework.io.bundle.channel.default.v1": "alpha",
};

/** `values`: further settings of the chart, such as image.repository=registry.example/mailfleet-operator. */
export async function bundleFiles(values: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  const about = load(await readFile(`${chart}/Chart.yaml`, "utf8")) as {
    version: string;
    kubeVersion: string;
  };
  const examples = await Promise.all(
    EXAMPLES.map(async (path) => load(await readFile(`${root}${path}`, "utf8"))),
  );
  const version = clusterServiceVersion({
    version: about.version,
    minKubeVersion: /\d+\.\d+\.\d+/.exec(about.kubeVersion)?.[0] ?? "",
    deployment: await deploymentOf(values),
    definitions,
    examples: examples as Record<string, unknown>[],
    description: DESCRIPTION,
    icon: await readFile(`${root}mta-image/web/pages/icon.svg`, "utf8"),
  });
  return new Map([
    ["manifests/mailfleet.clusterserviceversion.yaml", yaml(version)],
    ...definitions.map((each) => [`manifests/${each.metadata.name}.crd.yaml`, yaml(each)] as const),
    ["metadata/annotations.yaml", yaml({ annotations })],
    ["bundle.Dockerfile", dockerfile()],
  ]);
}

async function deploymentOf(values: readonly string[]): Promise<Deployment> {
  const set = [...VALUES, ...values].flatMap((value) => ["--set", value]);
  const text = await run(findProgram("helm"), ["template", "mailfleet", chart, ...kubeVersion, ...set]);
  const objects = loadAll(text) as ({ kind: string; metadata: { namespace?: string } } | null)[];
  const found = objects.find((object) => object?.kind === "Deployment");
  if (found === undefined || found === null) throw new Error("the chart renders no Deployment");
  return found as unknown as Deployment;
}

function dockerfile(): string {
  const labels = Object.entries(annotations).map(([name, value]) => `LABEL ${name}=${value}`);
  return ["FROM scratch", ...labels, "COPY manifests /manifests/", "COPY metadata /metadata/", ""].join("\n");
}

function yaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 });
}

const EXAMPLES = ["docs/examples/kubectl/outbound.yaml", "crds/testdata/valid/plugin-image.yaml"];
const DESCRIPTION = `Mailfleet runs clusters of mail transfer agents that grow and shrink with their queue.

A \`MailCluster\` is a number of engines with a volume each. Pods that leave hand their mail to the others, each message once; a
changed configuration, plugin or image is tried out by a few pods and taken back when they do worse; nothing is taken
away while it may hold mail. A \`NativePlugin\` is a plugin of the engine in an image of its own, checked before it is used.

Apply the example below into any namespace that the operator looks after, and watch \`kubectl get mailcluster\`.
`;
