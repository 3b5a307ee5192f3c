/**
 * The door to the cluster that scenarios and the demo run on: the one of this folder, or the one that
 * MAILFLEET_KUBECONFIG names, which is then neither started nor stopped nor given images. Every function rejects with
 * what the program behind it said.
 */
import { writeFile } from "node:fs/promises";

import { ensureProgram } from "../../tools/setup/programs.ts";
import { run } from "../peers/shell.ts";
import { clean } from "./clean.ts";
import { withLock } from "./lock.ts";
import { outsideZone } from "./node.ts";
import * as places from "./places.ts";
import { up } from "./up.ts";

export interface Cluster {
  readonly kubeconfig: string;
  /** Where peers outside the cluster run, so that pods reach them and they reach Services; null: this machine's. */
  readonly networkNamespace: string | null;
  /** Address under which pods see those peers. */
  readonly nodeAddress: string;
  /** Null where it cannot be read. */
  readonly auditLog: string | null;
  kubectl(
    args: readonly string[],
    options?: { readonly input?: string; readonly timeoutMs?: number },
  ): Promise<string>;
  helm(args: readonly string[]): Promise<string>;
  /**
   * Makes the images of a docker or OCI archive known to the node. With `as`, the image called `name` in it gets this
   * further name, and an image that has it already is not imported again.
   */
  importImage(archive: string, alias?: { readonly name: string; readonly as: string }): Promise<void>;
  /** Records of the zone "test" as pods see it, such as "sink 60 IN A 172.30.0.1". */
  setOutsideRecords(records: readonly string[]): Promise<void>;
}

type Say = (line: string) => void;

/** Brings it up if need be. */
export async function openCluster(say: Say): Promise<Cluster> {
  const foreign = process.env["MAILFLEET_KUBECONFIG"];
  if (foreign !== undefined && foreign !== "") {
    say(`using the cluster of MAILFLEET_KUBECONFIG (${foreign}); nothing is started`);
    for (const name of ["kubelab", "helm"] as const) await ensureProgram(name, say);
    return foreignCluster(foreign);
  }
  await withLock(places.lock, () => up(say));
  return ownCluster;
}

/** Removes it with everything in it. */
export async function closeCluster(say: Say): Promise<void> {
  if ((process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "")
    return say("a cluster of somebody else is left alone");
  await withLock(places.lock, clean);
}

const inside = { namespace: places.networkNamespace };
let zoneSerial = 0;

export const ownCluster: Cluster = {
  kubeconfig: places.adminKubeconfig,
  networkNamespace: places.networkNamespace,
  nodeAddress: places.nodeAddress,
  auditLog: places.auditLog,
  kubectl: (args, options = {}) => runKubectl(places.adminKubeconfig, args, { ...inside, ...options }),
  helm: (args) => runHelm(places.adminKubeconfig, args, inside),
  importImage: async (archive, alias) => {
    if (alias !== undefined && (await ctr("ls", "--quiet")).split("\n").includes(alias.as)) return;
    await ctr("import", archive);
    if (alias !== undefined) await ctr("tag", "--force", alias.name, alias.as);
  },
  setOutsideRecords: async (records) => {
    // The name server reads a zone again only under another serial, also after another process wrote the last one.
    zoneSerial = Math.max(zoneSerial + 1, Math.floor(Date.now() / 1000));
    await writeFile(`${places.state}/outside.zone`, outsideZone(records, zoneSerial));
  },
};

function ctr(...args: readonly string[]): Promise<string> {
  const where = ["--address", places.containerdSocket, "--namespace", places.imageNamespace];
  return run(`${places.bin}/ctr`, [...where, "images", ...args], { timeoutMs: 300_000 });
}

function foreignCluster(kubeconfig: string): Cluster {
  return {
    kubeconfig,
    networkNamespace: null,
    nodeAddress: process.env["MAILFLEET_OUTSIDE_ADDRESS"] ?? "127.0.0.1",
    auditLog: process.env["MAILFLEET_AUDIT_LOG"] ?? null,
    kubectl: (args, options = {}) => runKubectl(kubeconfig, args, options),
    helm: (args) => runHelm(kubeconfig, args, {}),
    importImage: async () => {},
    setOutsideRecords: async () => {
      throw new Error("the zone test is served only by the cluster of this folder");
    },
  };
}

interface Where {
  readonly namespace?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
}

function runKubectl(kubeconfig: string, args: readonly string[], where: Where): Promise<string> {
  return run(`${places.bin}/kubelab`, ["kubectl", "--kubeconfig", kubeconfig, ...args], where);
}

function runHelm(kubeconfig: string, args: readonly string[], where: Where): Promise<string> {
  const env = { HOME: "/tmp", HELM_DRIVER: "secret" };
  return run(`${places.bin}/helm`, ["--kubeconfig", kubeconfig, ...args], {
    ...where,
    env,
    timeoutMs: 300_000,
  });
}
