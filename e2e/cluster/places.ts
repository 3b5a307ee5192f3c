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
export const nodeName = "lab";
/** The node, and with it whatever is "outside the cluster", as pods see it. */
export const nodeAddress = "172.30.0.1";
export const bridge = "lab-node";
export const podNetwork = "10.244.0.0/16";
export const serviceNetwork = "10.96.0.0/16";
export const firstServiceAddress = "10.96.0.1";
export const apiPort = 16_443;
export const adminKubeconfig = `${state}/admin.kubeconfig`;
export const auditLog = `${state}/log/audit.log`;
export const containerdSocket = `${state}/containerd.sock`;
/** Images that are imported get this namespace of containerd, the one that the kubelet looks into. */
export const imageNamespace = "k8s.io";
export const pauseImage = "localhost/mailfleet-pause:1";
