/**
 * The place where scenarios and the demo happen: a real cluster with the images in it and the operator installed by
 * its chart. `openLab` makes what is missing and leaves alone what is there, so a second call costs seconds.
 * Every function rejects with what the program behind it said.
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";

import { type BuiltImage, buildImages } from "../tools/images.ts";
import { type Cluster, openCluster } from "./cluster/cluster.ts";
import type { Progress } from "./progress.ts";

export const operatorNamespace = "mailfleet-system";

export interface Lab {
  readonly cluster: Cluster;
  /** kubectl with these arguments; resolves with what it printed. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** kubectl get … -o json, parsed. */
  get(args: readonly string[]): Promise<unknown>;
}

export async function openLab(progress: Progress): Promise<Lab> {
  const cluster = await progress.step("Kubernetes", 30, () => openCluster(progress.say));
  const images = await progress.step("images", 40, () => buildImages(progress.say));
  const tag = await progress.step("images into the node", 15, () => importImages(cluster, images));
  await progress.step("helm install", 20, () => installChart(cluster, tag));
  return openedLab(cluster);
}

/** A lab that is up already. */
export function openedLab(cluster: Cluster): Lab {
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    cluster.kubectl(args, input === undefined ? {} : { input });
  return {
    cluster,
    kubectl,
    get: async (args) => JSON.parse(await kubectl(["get", ...args, "-o", "json"])) as unknown,
  };
}

/**
 * The images of this checkout get a tag made from their content, so that a changed one is another image for the chart
 * and pods of an older one are replaced. Resolves with the tag.
 */
async function importImages(cluster: Cluster, images: readonly BuiltImage[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { archive } of images) hash.update(basename(archive));
  const tag = `dev-${hash.digest("hex").slice(0, 12)}`;
  for (const { name, archive } of images) {
    await cluster.importImage(archive, { name, as: name.replace(/:.*$/, `:${tag}`) });
  }
  return tag;
}

/** The chart of this checkout; an upgrade when it is there already. */
async function installChart(cluster: Cluster, tag: string): Promise<void> {
  const values = {
    "image.repository": "localhost/mailfleet-operator",
    "image.tag": tag,
    "image.pullPolicy": "Never",
    engineImage: `localhost/mailfleet-mta:${tag}`,
    webImage: `localhost/mailfleet-web:${tag}`,
  };
  const sets = Object.entries(values).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const chart = new URL("../helm/mailfleet", import.meta.url).pathname;
  const where = ["--namespace", operatorNamespace, "--create-namespace", "--wait", "--timeout", "3m"];
  await cluster.helm(["upgrade", "--install", "mailfleet", chart, ...where, ...sets]);
}
