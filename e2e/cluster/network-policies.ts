/**
 * Enforces NetworkPolicies in the test cluster while a scenario wants it: the node hands each new connection to a pod to a
 * queue of netfilter, and the controller of the Kubernetes project (e2e/netpol) judges it. What comes from the node itself is not
 * asked about, as with most networks of clusters. Rejects when the controller does not come up, with what it said.
 */
import type { ChildProcess } from "node:child_process";

import { ensureProgram } from "../../tools/setup/programs.ts";
import { run, start, tryRun } from "../peers/shell.ts";
import { adminKubeconfig, networkNamespace, nodeName } from "./places.ts";

const QUEUE = "100";
const inside = { namespace: networkNamespace };
/** Packets between pods cross the node, or its bridge, which asks iptables too. */
const rule = [
  "FORWARD",
  "-m",
  "conntrack",
  "--ctstate",
  "NEW",
  "-p",
  "tcp",
  "-j",
  "NFQUEUE",
  "--queue-num",
  QUEUE,
];

export class NetworkPolicies {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async enforce(): Promise<NetworkPolicies> {
    const folder = await ensureProgram("netpol", () => undefined);
    const args = ["--kubeconfig", adminKubeconfig, "--node", nodeName, "--queue", QUEUE];
    const child = start(`${folder}/netpol`, args, inside);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4000)));
    child.stdout?.resume();
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on("data", () => {
        if (said.includes("Syncing nftables rules")) resolve();
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`netpol ended with ${code}: ${said}`)));
    });
    await run("iptables", ["-t", "mangle", "-I", ...rule], inside);
    return new NetworkPolicies(child);
  }

  async stop(): Promise<void> {
    await tryRun("iptables", ["-t", "mangle", "-D", ...rule], inside);
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}
