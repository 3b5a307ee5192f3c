/** Where the test cluster keeps its things, and the numbers that its parts must agree on. */
import { basename } from "node:path";

import { cacheFolder } from "../../tools/setup/programs.ts";

const usualState = "/var/lib/mailfleet-lab";
export const state = process.env["MAILFLEET_STATE"] ?? usualState;
export const bin = `${cacheFolder()}/bin`;

/**
 * The network namespace that holds the node; nothing of it reaches the host's network. A cluster in another folder
 * gets another one, so that two can run at once with the same addresses.
 */
export const networkNamespace = state === usualState ? "mailfleet" : `mailfleet-${basename(state)}`;
/** Held while the cluster comes up or goes; outside of `state`, which goes with it. */
export const lock = `${cacheFolder()}/${networkNamespace}.lock`;

/** A machine of the cluster: a folder, a network namespace and an address of its own. */
export interface NodePlace {
  readonly name: string;
  readonly folder: string;
  readonly namespace: string;
  readonly address: string;
  readonly podNetwork: string;
}

/** The node, and with it whatever is "outside the cluster", as pods see it. */
export const firstNode: NodePlace = {
  name: "lab",
  folder: state,
  namespace: networkNamespace,
  address: "172.30.0.1",
  podNetwork: "10.244.0.0/24",
};
/** Only there while a scenario needs it (second-node.ts). */
export const secondNode: NodePlace = {
  name: "lab-2",
  folder: `${state}/second`,
  namespace: `${networkNamespace}-second`,
  address: "172.30.0.2",
  podNetwork: "10.244.1.0/24",
};
export const { name: nodeName, address: nodeAddress } = firstNode;
export const bridge = "lab-node";
export const podNetwork = "10.244.0.0/16";
export const serviceNetwork = "10.96.0.0/16";
export const firstServiceAddress = "10.96.0.1";
export const apiPort = 16_443;
export const adminKubeconfig = `${state}/admin.kubeconfig`;
export const auditLog = `${state}/log/audit.log`;
export const containerdSocket = socketOf(firstNode);
/** Images that are imported get this namespace of containerd, the one that the kubelet looks into. */
export const imageNamespace = "k8s.io";
export const pauseImage = "localhost/mailfleet-pause:1";

export function socketOf({ folder }: NodePlace): string {
  return `${folder}/containerd.sock`;
}
