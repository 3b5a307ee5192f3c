/** Where the test cluster keeps its things, and the numbers that its parts must agree on. */
import { cacheFolder } from "../../tools/setup/programs.ts";

export const state = process.env["MAILFLEET_STATE"] ?? "/var/lib/mailfleet-lab";
export const bin = `${cacheFolder()}/bin`;

/** The network namespace that holds the node; nothing of it reaches the host's network. */
export const networkNamespace = "mailfleet";
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
export const storageClass = "local";
export const pauseImage = "localhost/mailfleet-pause:1";
