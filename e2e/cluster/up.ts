/**
 * Brings the test cluster up, or finds that it is. What an unclean stop left behind is removed first. Rejects with
 * the log of whatever did not come up; the rest is left as it is, for a look.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { ensureProgram } from "../../tools/setup/programs.ts";
import { run, tryRun } from "../peers/shell.ts";
import { clean } from "./clean.ts";
import { bringUp, until } from "./control-plane.ts";
import { scheduler, storage, storageClassObject } from "./daemons.ts";
import { type KeyPlan, makeKeys } from "./keys.ts";
import { makeNetwork } from "./network.ts";
import { containerd, kubelet, nameFiles, nameServer, nodeFiles, proxy } from "./node.ts";
import { pauseArchive } from "./pause.ts";
import {
  type NodePlace,
  adminKubeconfig,
  apiPort,
  bin,
  containerdSocket,
  firstNode,
  firstServiceAddress,
  imageNamespace,
  networkNamespace,
  nodeAddress,
  nodeName,
  podNetwork,
  serviceNetwork,
  state,
} from "./places.ts";
import { type Home, runningDaemons, startDaemon } from "./processes.ts";

type Say = (line: string) => void;
const home: Home = { folder: state, namespace: networkNamespace, isBoundToStarter: false, bin };
const DAEMONS = 9;

/** True when everything runs and the node says that it is ready. */
export async function isUp(): Promise<boolean> {
  if ((await runningDaemons(state)).length < DAEMONS) return false;
  return isNodeReady();
}

export async function up(say: Say): Promise<void> {
  for (const name of ["kubelab", "containerd", "coredns", "helm"] as const) await ensureProgram(name, say);
  if (await isUp()) return say("the cluster is up already");
  say("removing what an earlier cluster left");
  await clean();
  await mkdir(state, { recursive: true, mode: 0o711 });
  await makeNetwork();
  say("keys");
  await makeKeys(keyPlan(firstNode));
  await writeNodeFiles();
  say("etcd, API server, controller manager");
  await bringUp(home, {
    folder: state,
    address: nodeAddress,
    apiPort,
    etcdPort: 12_379,
    etcdPeerPort: 12_380,
    controllerPort: 10_257,
    serviceNetwork,
    podNetwork,
    hasNode: true,
  });
  say("containerd, kubelet, kube-proxy");
  await startNode();
}

/** `node`: whose kubelet gets a certificate. */
export function keyPlan({ name, address }: NodePlace): KeyPlan {
  return {
    folder: state,
    server: `https://${nodeAddress}:${apiPort}`,
    serverNames: [
      ...["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(
        (each) => `DNS:${each}`,
      ),
      ...["127.0.0.1", firstServiceAddress, nodeAddress].map((each) => `IP:${each}`),
    ],
    nodeNames: [`DNS:${name}`, `IP:${address}`, "IP:127.0.0.1"],
    nodeName: name,
  };
}

async function writeNodeFiles(): Promise<void> {
  for (const [name, text] of Object.entries({ ...nodeFiles(firstNode), ...nameFiles })) {
    await mkdir(dirname(`${state}/${name}`), { recursive: true });
    await writeFile(`${state}/${name}`, text);
  }
  await mkdir(`${state}/volumes`, { recursive: true });
}

async function startNode(): Promise<void> {
  const archive = await pauseArchive();
  await startDaemon(home, containerd(firstNode));
  await until(home, "containerd", async () => (await tryRun(`${bin}/ctr`, [...ctr, "version"])).code === 0);
  await run(`${bin}/ctr`, [...ctr, "images", "import", "--no-unpack=false", archive]);
  const aside = [
    scheduler(state),
    kubelet(firstNode),
    proxy(firstNode),
    storage(state, `${state}/volumes`),
    nameServer,
  ];
  for (const daemon of aside) await startDaemon(home, daemon);
  await kubectl(["apply", "-f", "-"], JSON.stringify(storageClassObject));
  await until(home, "kubelet", isNodeReady);
  await until(
    home,
    "coredns",
    async () => (await runningDaemons(state)).includes("coredns") && (await answersNames()),
  );
}

/** A name of the cluster, asked the way pods ask. */
async function answersNames(): Promise<boolean> {
  const query = ["-c", `timeout 2 bash -c '</dev/tcp/${nodeAddress}/53'`];
  return (await tryRun("bash", query, { namespace: networkNamespace, timeoutMs: 5000 })).code === 0;
}

const ctr = ["--address", containerdSocket, "--namespace", imageNamespace];

export async function isNodeReady(name = nodeName): Promise<boolean> {
  const path = '{.status.conditions[?(@.type=="Ready")].status}';
  const args = ["kubectl", "--kubeconfig", adminKubeconfig, "get", "node", name, "-o", `jsonpath=${path}`];
  const result = await tryRun(`${bin}/kubelab`, args, { namespace: networkNamespace, timeoutMs: 5000 });
  return result.code === 0 && result.stdout === "True";
}

function kubectl(args: readonly string[], input: string): Promise<string> {
  const where = ["kubectl", "--kubeconfig", adminKubeconfig];
  return run(`${bin}/kubelab`, [...where, ...args], { namespace: networkNamespace, input });
}
