/**
 * A second machine for the test cluster, for scenarios that empty or lose one: a containerd, a kubelet and a kube-proxy of its
 * own in a network namespace that is wired to the first node's. It has the images that the first one has. `close` takes
 * it out of the cluster and removes all of it; so does the end of the cluster. Rejects with what the program behind it said.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { run, tryRun } from "../peers/shell.ts";
import { cleanNode, cutPower } from "./clean.ts";
import { until } from "./control-plane.ts";
import { makeNodeKeys } from "./keys.ts";
import { joinNetwork, secondWire } from "./network.ts";
import { containerd, kubelet, nodeFiles, proxy } from "./node.ts";
import { adminKubeconfig, bin, firstNode, imageNamespace, secondNode, socketOf } from "./places.ts";
import { type Home, startDaemon } from "./processes.ts";
import { isNodeReady, keyPlan } from "./up.ts";

const { folder, name, namespace } = secondNode;
const home: Home = { folder, namespace, isBoundToStarter: false, bin };

export class SecondNode {
  readonly name = name;

  private constructor() {}

  static async open(): Promise<SecondNode> {
    await cleanNode(secondNode);
    await mkdir(folder, { recursive: true, mode: 0o711 });
    await joinNetwork();
    await makeNodeKeys(keyPlan(secondNode), folder);
    for (const [path, text] of Object.entries(nodeFiles(secondNode))) {
      await mkdir(dirname(`${folder}/${path}`), { recursive: true });
      await writeFile(`${folder}/${path}`, text);
    }
    const node = new SecondNode();
    await node.#startRuntime();
    await node.#copyImages();
    await node.#startKubelet();
    return node;
  }

  /** Everything on it ends at once, and nothing says goodbye; its disk stays. */
  cutPower(): Promise<void> {
    return cutPower(secondNode);
  }

  /** After a power cut. */
  async start(): Promise<void> {
    await this.#startRuntime();
    await this.#startKubelet();
  }

  /** Its wire is cut: nobody hears of it any more, and all that is on it goes on. */
  async isolate(): Promise<void> {
    await this.#wire("down");
  }

  async rejoin(): Promise<void> {
    await this.#wire("up");
  }

  async close(): Promise<void> {
    const where = ["kubectl", "--kubeconfig", adminKubeconfig];
    await tryRun(`${bin}/kubelab`, [...where, "delete", "node", name], { namespace: firstNode.namespace });
    await cleanNode(secondNode);
  }

  async #wire(state: "up" | "down"): Promise<void> {
    await run("ip", ["link", "set", secondWire, state], { namespace: firstNode.namespace });
  }

  async #startRuntime(): Promise<void> {
    await startDaemon(home, containerd(secondNode));
    const version = [...ctr(secondNode), "version"];
    await until(home, "containerd", async () => (await tryRun(`${bin}/ctr`, version)).code === 0);
  }

  async #startKubelet(): Promise<void> {
    for (const daemon of [kubelet(secondNode), proxy(secondNode)]) await startDaemon(home, daemon);
    await until(home, "kubelet", () => isNodeReady(name));
  }

  async #copyImages(): Promise<void> {
    const archive = `${folder}/images.tar`;
    const timeout = { timeoutMs: 300_000 };
    const listed = await run(`${bin}/ctr`, [...ctr(firstNode), "images", "ls", "--quiet"]);
    const images = listed.split("\n").filter((image) => image.startsWith("localhost/"));
    await run(`${bin}/ctr`, [...ctr(firstNode), "images", "export", archive, ...images], timeout);
    await run(`${bin}/ctr`, [...ctr(secondNode), "images", "import", archive], timeout);
    await rm(archive);
  }
}

function ctr(node: typeof firstNode): string[] {
  return ["--address", socketOf(node), "--namespace", imageNamespace];
}
