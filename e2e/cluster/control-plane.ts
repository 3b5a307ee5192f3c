/**
 * etcd, API server and controller manager: as the first half of the test cluster, and alone, on free ports and in a
 * temp folder, for tests of the operator that need no pods. `start…` rejects with the end of the log of whatever did
 * not come up.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { ensureProgram } from "../../tools/setup/programs.ts";
import { tryRun } from "../peers/shell.ts";
import { type ControlPlanePlan, apiServer, auditPolicy, controllerManager, etcd } from "./daemons.ts";
import { makeKeys } from "./keys.ts";
import { type Home, killAll, startDaemon } from "./processes.ts";

export interface ControlPlane {
  readonly kubeconfig: string;
  readonly auditLog: string;
  stop(): Promise<void>;
}

export async function startControlPlane(say: (line: string) => void): Promise<ControlPlane> {
  const bin = await ensureProgram("kubelab", say);
  const folder = await mkdtemp(join(tmpdir(), "control-plane-"));
  const home = { folder, namespace: null, isBoundToStarter: true, bin };
  const [apiPort = 0, etcdPort = 0, etcdPeerPort = 0, controllerPort = 0] = await freePorts(4);
  const stop = async (): Promise<void> => {
    await killAll(folder);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await makeKeys({
      folder,
      server: `https://127.0.0.1:${apiPort}`,
      serverNames: ["DNS:localhost", "IP:127.0.0.1", "IP:10.96.0.1"],
      nodeNames: ["DNS:none"],
      nodeName: "none",
    });
    await bringUp(home, {
      folder,
      // The API server refuses to advertise a loopback address; nobody connects to this one.
      address: "127.0.0.1",
      apiPort,
      etcdPort,
      etcdPeerPort,
      controllerPort,
      serviceNetwork: "10.96.0.0/16",
      podNetwork: "10.244.0.0/16",
      hasNode: false,
    });
    return { kubeconfig: `${folder}/admin.kubeconfig`, auditLog: `${folder}/log/audit.log`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts the three in order; keys must be there. */
export async function bringUp(home: Home, plan: ControlPlanePlan): Promise<void> {
  await mkdir(`${home.folder}/log`, { recursive: true });
  await writeFile(`${home.folder}/audit-policy.json`, auditPolicy);
  await startDaemon(home, etcd(plan));
  await startDaemon(home, apiServer(plan));
  const kubectl = [
    `${home.bin}/kubelab`,
    ["kubectl", "--kubeconfig", `${home.folder}/admin.kubeconfig`],
  ] as const;
  await until(home, "kube-apiserver", async () => {
    const options = { namespace: home.namespace, timeoutMs: 5000 };
    return (await tryRun(kubectl[0], [...kubectl[1], "get", "--raw", "/readyz"], options)).code === 0;
  });
  await startDaemon(home, controllerManager(plan));
  await until(home, "kube-controller-manager", async () => {
    // One client that watches costs less than many that ask, on a machine where each second counts.
    const account = ["wait", "--for=create", "serviceaccount/default", "-n", "default", "--timeout=60s"];
    const options = { namespace: home.namespace, timeoutMs: 65_000 };
    return (await tryRun(kubectl[0], [...kubectl[1], ...account], options)).code === 0;
  });
}

/** Waits up to three minutes; then rejects with the last lines of the daemon's log. */
export async function until(home: Home, daemon: string, isUp: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 900; tries++) {
    if (await isUp()) return;
    await wait(200);
  }
  const log = await readFile(`${home.folder}/log/${daemon}.log`, "utf8").catch(() => "(no log)");
  throw new Error(`${daemon} did not come up:\n${log.split("\n").slice(-15).join("\n")}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const bound = server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
