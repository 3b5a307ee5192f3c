/**
 * The node's network: a namespace of its own with a bridge as the only interface and the default route over it, so
 * that no rule of kube-proxy and no packet of a pod reaches the machine. Made anew for each cluster.
 */
import { run, tryRun } from "../peers/shell.ts";
import { bridge, networkNamespace, nodeAddress } from "./places.ts";

export async function makeNetwork(): Promise<void> {
  await run("ip", ["netns", "add", networkNamespace]);
  const inside = { namespace: networkNamespace };
  await run("ip", ["link", "set", "lo", "up"], inside);
  await run("ip", ["link", "add", bridge, "type", "bridge"], inside);
  await run("ip", ["address", "add", `${nodeAddress}/24`, "dev", bridge], inside);
  await run("ip", ["link", "set", bridge, "up"], inside);
  await run("ip", ["route", "add", "default", "via", nodeAddress, "dev", bridge], inside);
  // Pods reach Services and each other through the node.
  await run("sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"], inside);
  await tryRun("sysctl", ["-q", "-w", "net.bridge.bridge-nf-call-iptables=1"], inside);
}

/** Harmless when there is none. */
export async function removeNetwork(): Promise<void> {
  await tryRun("ip", ["netns", "delete", networkNamespace]);
}
