/**
 * JSON schemas of the Kubernetes kinds, for kubeconform, taken from a real API server of the version that the test
 * cluster runs: its OpenAPI document, one file a kind, all pointing into one file of definitions. Kept in the cache by
 * the version. Rejects when the API server cannot be asked.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";

import { startControlPlane } from "../e2e/cluster/control-plane.ts";
import { run } from "../e2e/peers/shell.ts";
import { cacheFolder, kubernetesVersion } from "./setup/programs.ts";

interface Definition {
  readonly type?: string | readonly string[];
  readonly "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
}

/** kubeconform's name for where schemas are. */
export async function kubeSchemas(say: (line: string) => void): Promise<string> {
  const folder = `${cacheFolder()}/schemas/kubernetes-${kubernetesVersion}`;
  if (!existsSync(folder)) await makeSchemas(folder, say);
  return `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`;
}

async function makeSchemas(folder: string, say: (line: string) => void): Promise<void> {
  say("schemas of the Kubernetes kinds, about 15 s");
  const plane = await startControlPlane(say);
  try {
    const kubectl = ["kubectl", "--kubeconfig", plane.kubeconfig, "get", "--raw", "/openapi/v2"];
    const text = await run(`${cacheFolder()}/bin/kubelab`, kubectl);
    const { definitions } = JSON.parse(text) as { definitions: Record<string, Definition> };
    await rm(`${folder}.part`, { recursive: true, force: true });
    await mkdir(`${folder}.part`, { recursive: true });
    const shared = { definitions: { ...definitions, ...numbersToo(definitions) } };
    await writeFile(`${folder}.part/_definitions.json`, JSON.stringify(shared));
    for (const [name, definition] of Object.entries(definitions)) {
      for (const kind of definition["x-kubernetes-group-version-kind"] ?? []) {
        const schema = { $ref: `_definitions.json#/definitions/${name}` };
        await writeFile(`${folder}.part/${fileName(kind)}`, JSON.stringify(schema));
      }
    }
    await rename(`${folder}.part`, folder);
  } finally {
    await plane.stop();
  }
}

/** OpenAPI 2 has no type for "number or text" and calls it text. */
function numbersToo(definitions: Readonly<Record<string, Definition>>): Record<string, Definition> {
  const names = Object.keys(definitions).filter((name) => /\.(?:IntOrString|Quantity)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, { type: ["string", "number"] }]));
}

/** ResourceKind, then -group-version, the group cut at its first dot; in lower case. */
function fileName({ group, version, kind }: { group: string; version: string; kind: string }): string {
  const short = group.split(".")[0] ?? "";
  return `${[kind, short, version].filter(Boolean).join("-").toLowerCase()}.json`;
}
