/**
 * Keys, certificates and kubeconfigs of a test cluster, made by openssl in one folder. They live as long as the
 * cluster. Rejects with what openssl said.
 */
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";

import { run } from "../peers/shell.ts";

export interface KeyPlan {
  readonly folder: string;
  /** https://host:port of the API server. */
  readonly server: string;
  /** Names and addresses in the API server's certificate. */
  readonly serverNames: readonly string[];
  /** Names and addresses in the kubelet's. */
  readonly nodeNames: readonly string[];
  readonly nodeName: string;
}

/** Who may speak to the API server, and as whom. */
const users = (nodeName: string): Readonly<Record<string, string>> => ({
  admin: "/O=system:masters/CN=admin",
  "controller-manager": "/CN=system:kube-controller-manager",
  scheduler: "/CN=system:kube-scheduler",
  proxy: "/CN=system:kube-proxy",
  kubelet: `/O=system:nodes/CN=system:node:${nodeName}`,
});

export async function makeKeys(plan: KeyPlan): Promise<void> {
  const pki = `${plan.folder}/pki`;
  await mkdir(pki, { recursive: true });
  await openssl(["req", "-x509", ...newKey(`${pki}/ca.key`), "-out", `${pki}/ca.crt`, "-subj", "/CN=lab-ca"]);
  await openssl([
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-out",
    `${pki}/sa.key`,
  ]);
  await openssl(["pkey", "-in", `${pki}/sa.key`, "-pubout", "-out", `${pki}/sa.pub`]);
  await certify(pki, { name: "apiserver", subject: "/CN=kube-apiserver", names: plan.serverNames });
  // By this one an API server tells API servers behind it (of metrics, say) who asks.
  await certify(pki, { name: "front-proxy", subject: "/CN=front-proxy", names: ["DNS:front-proxy"] });
  for (const [name, subject] of Object.entries(users(plan.nodeName))) {
    await certify(pki, { name, subject, names: name === "kubelet" ? plan.nodeNames : [`DNS:${name}`] });
    await writeFile(`${plan.folder}/${name}.kubeconfig`, kubeconfig(plan, name), { mode: 0o600 });
  }
}

async function certify(
  pki: string,
  wanted: { readonly name: string; readonly subject: string; readonly names: readonly string[] },
): Promise<void> {
  const at = `${pki}/${wanted.name}`;
  await openssl(["req", ...newKey(`${at}.key`), "-out", `${at}.csr`, "-subj", wanted.subject]);
  const extensions = `subjectAltName=${wanted.names.join(",")}\nextendedKeyUsage=serverAuth,clientAuth\n`;
  await writeFile(`${at}.ext`, extensions);
  const authority = ["-CA", `${pki}/ca.crt`, "-CAkey", `${pki}/ca.key`, "-CAcreateserial"];
  const files = ["-in", `${at}.csr`, "-out", `${at}.crt`, "-extfile", `${at}.ext`];
  await openssl(["x509", "-req", ...files, ...authority, "-days", "365"]);
}

/** What one more node needs, in a folder of its own, signed by the authority of `plan.folder`. */
export async function makeNodeKeys(plan: KeyPlan, folder: string): Promise<void> {
  await mkdir(`${folder}/pki`, { recursive: true });
  const subject = users(plan.nodeName)["kubelet"] ?? "";
  await certify(`${plan.folder}/pki`, { name: `kubelet-${plan.nodeName}`, subject, names: plan.nodeNames });
  for (const kind of ["crt", "key"])
    await rename(`${plan.folder}/pki/kubelet-${plan.nodeName}.${kind}`, `${folder}/pki/kubelet.${kind}`);
  await copyFile(`${plan.folder}/pki/ca.crt`, `${folder}/pki/ca.crt`);
  const config = kubeconfig({ ...plan, folder }, "kubelet");
  await writeFile(`${folder}/kubelet.kubeconfig`, config, { mode: 0o600 });
}

function newKey(path: string): string[] {
  return [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "365",
    "-keyout",
    path,
  ];
}

function kubeconfig({ folder, server }: KeyPlan, user: string): string {
  const pki = `${folder}/pki`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server, "certificate-authority": `${pki}/ca.crt` } }],
    users: [
      {
        name: user,
        user: { "client-certificate": `${pki}/${user}.crt`, "client-key": `${pki}/${user}.key` },
      },
    ],
    contexts: [{ name: "lab", context: { cluster: "lab", user } }],
    "current-context": "lab",
  });
}

async function openssl(args: readonly string[]): Promise<void> {
  await run("openssl", args);
}
