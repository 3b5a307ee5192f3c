/**
 * Switches the web administration of a cluster on and says where it is and how to get in. It stays up with the cluster.
 * Rejects with what kubectl said when it does not come up.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Lab } from "../lab.ts";

export interface WebDoor {
  /** Null on a cluster that is not ours: its network decides how one reaches the Service. */
  readonly url: string | null;
  readonly user: string;
  readonly password: string;
}

export async function openWeb(lab: Lab, where: { namespace: string; name: string }): Promise<WebDoor> {
  const { namespace, name } = where;
  const kubectl = (...args: readonly string[]): Promise<string> => lab.kubectl(["-n", namespace, ...args]);
  const patch = JSON.stringify({ spec: { webAdmin: { enabled: true } } });
  await kubectl("patch", "mailcluster", name, "--type=merge", "-p", patch);
  await kubectl("wait", "--for=create", `deployment/${name}-web`, "--timeout=60s");
  await kubectl("rollout", "status", `deployment/${name}-web`, "--timeout=120s");
  const read = (kind: string, path: string): Promise<string> =>
    kubectl("get", kind, `${name}-web`, "-o", `jsonpath={${path}}`);
  const password = Buffer.from(await read("secret", ".data.password"), "base64").toString("utf8");
  const address = await read("service", ".spec.clusterIP");
  const network = lab.cluster.networkNamespace;
  const url = network === null ? null : `http://127.0.0.1:${await startRelay(network, address)}`;
  return { url, user: "admin", password };
}

async function startRelay(network: string, address: string): Promise<string> {
  const program = fileURLToPath(new URL("../demo/relay.ts", import.meta.url));
  const child = spawn(process.execPath, [program, network, address, "80"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, "line")) as [string];
  lines.close();
  child.stdout.destroy();
  child.unref();
  return port;
}
