/**
 * The programs of a control plane with their flags (pure): what runs, in which order it is started. Everything is
 * kept under one folder, so that removing the folder removes the cluster.
 */
export interface Daemon {
  readonly name: string;
  readonly args: readonly string[];
}

export interface ControlPlanePlan {
  readonly folder: string;
  /** Where the API server listens and what it tells pods of itself. */
  readonly address: string;
  readonly apiPort: number;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly controllerPort: number;
  readonly serviceNetwork: string;
  readonly podNetwork: string;
  /** No finalizer of a namespace or claim waits for a kubelet that is not there. */
  readonly hasNode: boolean;
}

/** The usual limits of clients are for clusters that are shared; here they are all that hundreds of pods would wait for. */
const UNTHROTTLED = ["--kube-api-qps=500", "--kube-api-burst=1000"];

export const auditPolicy = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "None", verbs: ["get", "list", "watch"] }, { level: "Metadata" }],
});

/** etcd may forget everything with the machine: it skips fsync, which is most of its time here. */
export function etcd(plan: ControlPlanePlan): Daemon {
  const client = `http://127.0.0.1:${plan.etcdPort}`;
  const peer = `http://127.0.0.1:${plan.etcdPeerPort}`;
  return {
    name: "etcd",
    args: [
      `--data-dir=${plan.folder}/etcd`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ],
  };
}

export function apiServer(plan: ControlPlanePlan): Daemon {
  const pki = `${plan.folder}/pki`;
  return {
    name: "kube-apiserver",
    args: [
      `--etcd-servers=http://127.0.0.1:${plan.etcdPort}`,
      `--secure-port=${plan.apiPort}`,
      `--bind-address=${plan.hasNode ? "0.0.0.0" : plan.address}`,
      `--advertise-address=${plan.address}`,
      `--service-cluster-ip-range=${plan.serviceNetwork}`,
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
      `--client-ca-file=${pki}/ca.crt`,
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--allow-privileged=true",
      `--kubelet-client-certificate=${pki}/admin.crt`,
      `--kubelet-client-key=${pki}/admin.key`,
      `--kubelet-certificate-authority=${pki}/ca.crt`,
      "--kubelet-preferred-address-types=InternalIP",
      `--requestheader-client-ca-file=${pki}/ca.crt`,
      "--requestheader-allowed-names=front-proxy",
      "--requestheader-username-headers=X-Remote-User",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
      `--proxy-client-cert-file=${pki}/front-proxy.crt`,
      `--proxy-client-key-file=${pki}/front-proxy.key`,
      `--audit-policy-file=${plan.folder}/audit-policy.json`,
      `--audit-log-path=${plan.folder}/log/audit.log`,
      "--audit-log-mode=blocking-strict",
    ],
  };
}

export function controllerManager(plan: ControlPlanePlan): Daemon {
  const pki = `${plan.folder}/pki`;
  return {
    name: "kube-controller-manager",
    args: [
      `--kubeconfig=${plan.folder}/controller-manager.kubeconfig`,
      `--service-account-private-key-file=${pki}/sa.key`,
      `--root-ca-file=${pki}/ca.crt`,
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      `--secure-port=${plan.controllerPort}`,
      "--bind-address=127.0.0.1",
      "--use-service-account-credentials=true",
      `--allocate-node-cidrs=${plan.hasNode}`,
      `--cluster-cidr=${plan.podNetwork}`,
      "--leader-elect=false",
      ...UNTHROTTLED,
      // Tests of scaling would wait for most of their time else.
      "--horizontal-pod-autoscaler-sync-period=2s",
    ],
  };
}

/** `more` flags where several run on one machine. */
export function scheduler(folder: string, ...more: readonly string[]): Daemon {
  const args = [`--kubeconfig=${folder}/scheduler.kubeconfig`, "--leader-elect=false", ...UNTHROTTLED];
  return { name: "kube-scheduler", args: [...args, ...more] };
}

const provisioner = "mailfleet.io/local";

/** Volumes are folders below `root`. */
export function storage(folder: string, root: string): Daemon {
  const args = [`--kubeconfig=${folder}/admin.kubeconfig`, `--name=${provisioner}`, `--root=${root}`];
  return { name: "storage", args };
}

export const storageClassObject = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "local", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner,
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
  allowVolumeExpansion: true,
};
