/**
 * The place where scenarios and the demo happen: a real cluster with the images in it and the operator installed by
 * its chart. `openLab` makes what is missing and leaves alone what is there, so a second call costs seconds.
 * Every function rejects with what the program behind it said.
 */
import { buildImages } from "../tools/images.ts";
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
  await progress.step("images into the node", 15, async () => {
    for (const { archive } of images) await cluster.importImage(archive);
  });
  await progress.step("helm install", 20, () => installChart(cluster));
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

/** The chart of this checkout with the images of this checkout; an upgrade when it is there already. */
async function installChart(cluster: Cluster): Promise<void> {
  const values = {
    "image.repository": "localhost/mailfleet-operator",
    "image.tag": "dev",
    engineImage: "localhost/mailfleet-mta:dev",
  };
  const sets = Object.entries(values).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const chart = new URL("../helm/mailfleet", import.meta.url).pathname;
  const where = ["--namespace", operatorNamespace, "--create-namespace", "--wait", "--timeout", "3m"];
  await cluster.helm(["upgrade", "--install", "mailfleet", chart, ...where, ...sets]);
}
