/**
 * The node's network: a namespace of its own with a bridge as the only interface and the default route over it, so
 * that no rule of kube-proxy and no packet of a pod reaches the machine. Made anew for each cluster.
 */
import { run, tryRun } from "../peers/shell.ts";
import { bridge, networkNamespace, nodeAddress, secondNode } from "./places.ts";

/** The second machine's port at the bridge. */
export const secondWire = "second";

export async function makeNetwork(): Promise<void> {
  await run("ip", ["netns", "add", networkNamespace]);
  const inside = { namespace: networkNamespace };
  await run("ip", ["link", "set", "lo", "up"], inside);
  await run("ip", ["link", "add", bridge, "type", "bridge"], inside);
  await run("ip", ["address", "add", `${nodeAddress}/24`, "dev", bridge], inside);
  await run("ip", ["link", "set", bridge, "up"], inside);
  await run("ip", ["route", "add", "default", "via", nodeAddress, "dev", bridge], inside);
  await forward(networkNamespace);
}

/** A second machine at the first one's bridge; each knows where the other's pods are. */
export async function joinNetwork(): Promise<void> {
  const { namespace, address, podNetwork } = secondNode;
  const [here, there] = [{ namespace: networkNamespace }, { namespace }];
  await run("ip", ["netns", "add", namespace]);
  // The wire of an earlier one goes with its namespace, but only some time after.
  await tryRun("ip", ["link", "delete", secondWire], here);
  const peer = ["peer", "name", "eth0", "netns", namespace];
  await run("ip", ["link", "add", secondWire, "type", "veth", ...peer], here);
  await run("ip", ["link", "set", secondWire, "master", bridge, "up"], here);
  await run("ip", ["link", "set", "lo", "up"], there);
  await run("ip", ["address", "add", `${address}/24`, "dev", "eth0"], there);
  await run("ip", ["link", "set", "eth0", "up"], there);
  await run("ip", ["route", "add", "default", "via", nodeAddress], there);
  await run("ip", ["route", "replace", podNetwork, "via", address], here);
  await forward(namespace);
}

/** Pods reach Services and each other through the node. */
async function forward(namespace: string): Promise<void> {
  await run("sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"], { namespace });
  await tryRun("sysctl", ["-q", "-w", "net.bridge.bridge-nf-call-iptables=1"], { namespace });
}

/** Harmless when there is none. */
export async function removeNetwork(namespace: string): Promise<void> {
  await tryRun("ip", ["netns", "delete", namespace]);
}
